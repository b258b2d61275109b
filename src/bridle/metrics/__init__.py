"""Metrics: what a prediction is worth. Nothing here imports torch."""
