"""Noise at places of the forward pass."""

from bridle.regularizers.noise.dropout import Dropout

__all__ = ["Dropout"]
