"""Least squares in one number or two, in double precision."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

EXACT = 1e-3
"""A gradient is that of a penalty when it differs by no more than this share of itself."""
SLIGHT = 1e-4
"""A penalty whose gradient is a smaller share of the whole than this is rounding."""
ROUNDINGS = 4.0
"""So many units of rounding a gradient may be off where its type is coarser than that."""
SAME = 1e-4
"""Two gradients that differ by less than this share are the same one."""
ALIKE = 1e-9
"""Weights and their signs cannot be told apart when they differ by less than this share."""


class Fit(NamedTuple):
    """What penalty a gradient is of.

    Args:
        l2: The strength of L2 in it.
        l1: The strength of L1 in it.
        known: Whether the two explain it.
        reach: The share of the weights that it acts on.
    """

    l2: float
    l1: float
    known: bool
    reach: float

    def gradient(self, weight: Tensor) -> Tensor:
        """The gradient of both at ``weight``."""
        return weight * self.l2 + weight.sign() * self.l1


def norm(value: Tensor | None) -> float:
    """The Euclidean norm; 0 of nothing."""
    return 0.0 if value is None else float(value.detach().double().norm())


def apart(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two gradients differ by more than rounding, or one of them is missing."""
    if one is None or other is None:
        return one is not other
    return norm(one - other) > SAME * max(norm(one), norm(other))


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


def elastic(points: Sequence[tuple[Tensor, Tensor]]) -> Fit:
    """``gradient = l2 * weight + l1 * sign(weight)``, fitted to all points at once, where there is a gradient.

    A second point tells L2 and L1 from penalties that look like them at the first: group lasso where groups are of
    one length, orthogonality where weights are orthogonal, L2 and L1 of weights that are all of one size.

    Args:
        points: Gradients, each with the weights it was taken at, of one shape.
    """
    gradient = torch.stack([one.detach().double().flatten() for one, _ in points])
    weights = torch.stack([at.detach().double().flatten() for _, at in points])
    size = float(gradient.norm())
    if not 0.0 < size < math.inf:
        return Fit(0.0, 0.0, False, 0.0)
    touched, present = gradient.ne(0).any(dim=0), weights.ne(0).any(dim=0)
    reach = float((touched & present).sum()) / max(int(present.sum()), 1)
    weights = weights * touched
    signs = weights.sign()
    rounding = ROUNDINGS * max(torch.finfo(one.dtype).eps for one, _ in points)
    l2, l1 = _two(gradient, weights, signs, max(SLIGHT, rounding))
    left = float((gradient - l2 * weights - l1 * signs).norm())
    return Fit(l2, l1, left <= max(EXACT, rounding) * size, reach)


def _two(value: Tensor, weights: Tensor, signs: Tensor, slight: float) -> tuple[float, float]:
    """The factors of both, or of one where the other does not matter or cannot be told from it."""
    squares, both, count = dot(weights, weights), dot(weights, signs), dot(signs, signs)
    if not squares:
        return 0.0, 0.0
    with_weights, with_signs = dot(value, weights), dot(value, signs)
    apart, small = squares * count - both * both, slight * norm(value)
    if apart <= ALIKE * squares * count:
        return with_weights / squares, 0.0
    l2 = (with_weights * count - with_signs * both) / apart
    l1 = (with_signs * squares - with_weights * both) / apart
    if abs(l1) * math.sqrt(count) <= small:
        return with_weights / squares, 0.0
    return (0.0, with_signs / count) if abs(l2) * math.sqrt(squares) <= small else (l2, l1)
