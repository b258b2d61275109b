"""What the penalties share: soft thresholding, and groups of weights."""

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor

Groups: TypeAlias = Literal["neurons", "inputs", "kernels"]
"""What is kept or dropped as a whole: all that enters a neuron or output channel (a row of a matrix), all that leaves
an input feature or channel (a column), or each kernel of a convolution."""

TINY = 1e-30
"""Keeps the norm of an empty group out of a division."""

ROUNDS = 6
"""Newton's method is at float64 after so many rounds, also where the steps of a group differ by a factor of 10^12."""


def soft(weight: Tensor, threshold: Tensor | float) -> Tensor:
    """Soft thresholding, ``sign(w) * max(|w| - t, 0)``, written with fewer passes over the weight."""
    return weight - weight.clamp(-threshold, threshold)  # type: ignore[arg-type]  # clamp takes either


def soften(weight: Tensor, threshold: Tensor | float) -> None:
    """The same in place."""
    if isinstance(threshold, Tensor):
        weight.sub_(weight.clamp(-threshold, threshold))
    else:
        torch._C._nn.softshrink(weight, threshold, out=weight)  # type: ignore[call-arg]  # it takes one


def norms(weight: Tensor, groups: Groups) -> Tensor:
    """The Euclidean norm of each group, with the dimensions inside a group kept at length 1.

    Where a weight has no dimension inside a group (a bias, a matrix by its kernels) each entry is a group of its own.
    """
    dims = _inside(weight, groups)
    return torch.linalg.vector_norm(weight, dim=dims, keepdim=True) if dims else weight.abs()


def size(weight: Tensor, groups: Groups) -> int:
    """How many weights a group holds."""
    return math.prod(weight.shape[dim] for dim in _inside(weight, groups))


def shrink_groups(weight: Tensor, step: Tensor | float, strength: Tensor | float, groups: Groups) -> Tensor:
    """``argmin_x strength * sum_g ||x_g|| + sum (x - w)^2 / (2 step)``: groups become zero as a whole, or shorter.

    With one step for all weights a group is shortened by ``step * strength``. With a step per weight it is zero where
    ``||w / step|| <= strength``; else ``x_j = w_j r / (r + strength * step_j)``, with r, the norm of x, the root of
    ``||w_j / (r + strength * step_j)|| = 1``. The reciprocal of that norm is nearly linear and concave in r, so
    Newton's method on it climbs to the root without passing it (the secular equation of trust regions; More and
    Sorensen 1983).
    """
    if not isinstance(step, Tensor) or step.ndim == 0:
        length = norms(weight, groups)
        return weight * ((length - strength * step) / length.clamp(min=TINY)).clamp(min=0.0)
    dims, shifts = _inside(weight, groups), strength * step
    if not dims:
        return soft(weight, shifts)
    # Two lower bounds of the root: all steps as long as the longest, and each weight alone.
    shorter = norms(weight, groups) - shifts.amax(dims, keepdim=True)
    length = torch.maximum(shorter, (weight.abs() - shifts).amax(dims, keepdim=True)).clamp(min=0.0)
    for _ in range(ROUNDS):
        nearer = length + shifts
        parts = weight / nearer.clamp(min=TINY)
        square = parts.square()
        total = square.sum(dims, keepdim=True).clamp(min=TINY)
        slope = (square / nearer.clamp(min=TINY)).sum(dims, keepdim=True).clamp(min=TINY)
        length = (length + (total.sqrt() - 1) * total / slope).clamp(min=0.0)
    # Where the step is zero the group stays, and a weight that is no number is not taken for an empty group.
    empty = norms(weight / step.clamp(min=TINY), groups) <= strength
    shorter = weight * (length / (length + shifts).clamp(min=TINY))
    return torch.where(empty, torch.zeros_like(weight), torch.where(shifts == 0, weight, shorter))


def _inside(weight: Tensor, groups: Groups) -> tuple[int, ...]:
    """The dimensions along which the members of one group lie."""
    between = {"neurons": (0,), "inputs": (1,), "kernels": (0, 1)}[groups]
    return tuple(dim for dim in range(weight.ndim) if dim not in between) if weight.ndim > 1 else ()
