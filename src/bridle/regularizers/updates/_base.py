"""What the update rules share."""

TINY = 1e-30
"""Keeps a norm that is zero out of a division."""
