"""Least squares in one number, in double precision."""

import math

from torch import Tensor


def norm(value: Tensor | None) -> float:
    """The Euclidean norm; 0 of nothing."""
    return 0.0 if value is None else float(value.detach().double().norm())


def dot(one: Tensor, other: Tensor) -> float:
    """The inner product."""
    return float((one.detach().double() * other.detach().double()).sum())


def proportion(value: Tensor, base: Tensor) -> tuple[float, float]:
    """The factor of ``base`` that is nearest to ``value``, and the share of ``value`` that it explains (R squared).

    NaN where one of them is zero or not finite.
    """
    size, length = dot(value, value), dot(base, base)
    if not (0.0 < size < math.inf and 0.0 < length < math.inf):
        return math.nan, math.nan
    product = dot(value, base)
    return product / length, product * product / (size * length)
