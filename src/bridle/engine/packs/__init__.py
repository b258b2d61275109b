"""Packs: members that train as one tensor program. Here the member axis meets the engine."""
