"""Penalties on the weights."""

from bridle.regularizers.penalties.l2 import L2

__all__ = ["L2"]
