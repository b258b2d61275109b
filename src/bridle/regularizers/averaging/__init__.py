"""Averages of the weights."""

from bridle.regularizers.averaging.ema import EMA

__all__ = ["EMA"]
