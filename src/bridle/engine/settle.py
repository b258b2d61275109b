"""Settle exact zeros: proximal gradient steps on the whole training set, after training with batches.

Gradients of batches scatter around the full one, and so do the zeros of a proximal step, however small it is. A few
steps with full gradients end at those of the objective.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import torch
from torch import Tensor

from bridle.engine.penalties import Penalties

Objective: TypeAlias = Callable[[bool], float]
"""The data loss over all training examples; with ``True`` it leaves its gradient in the weights' ``.grad``."""


def settle(penalties: Penalties, weights: Iterable[Tensor], objective: Objective, steps: int) -> int:
    """Take accelerated proximal gradient steps of a length found by backtracking, until none goes down any more.

    Args:
        penalties: The penalties, at the strengths that count.
        weights: All weights that are trained.
        objective: The data loss.
        steps: The most steps; each takes one gradient and one or more losses of the whole training set.

    Returns:
        How many steps were taken.

    Reference: Beck and Teboulle 2009, "A fast iterative shrinkage-thresholding algorithm"; restarts by O'Donoghue and
    Candes 2015, "Adaptive restart for accelerated gradient schemes".
    """
    weights = list(weights)
    length, momentum = 1.0, 1.0
    last = _copies(weights)
    before = _copies(weights)
    for taken in range(steps):
        start = _copies(weights)
        height = objective(True) + penalties.smooth_value()
        penalties.add_gradients()
        slopes = [torch.zeros_like(weight) if weight.grad is None else weight.grad.clone() for weight in weights]
        length = _descend(penalties, weights, start, slopes, height, objective, 2.0 * length)
        if length == 0.0:
            _put(weights, last)
            return taken
        if _dot(_less(start, weights), _less(weights, last)) > 0:
            momentum = 1.0
        faster = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        before, last = last, _copies(weights)
        ahead = torch._foreach_add(last, _less(last, before), alpha=(momentum - 1.0) / faster)
        momentum = faster
        _put(weights, ahead)
    _put(weights, last)
    return steps


def _descend(
    penalties: Penalties,
    weights: list[Tensor],
    start: list[Tensor],
    slopes: list[Tensor],
    height: float,
    objective: Objective,
    length: float,
) -> float:
    """Move the weights by one proximal step from ``start``; gives the step's length, 0 where none goes down."""
    rounding = 8.0 * max(torch.finfo(weight.dtype).eps for weight in weights) * (1.0 + abs(height))
    for _ in range(60):
        _put(weights, torch._foreach_add(start, slopes, alpha=-length))
        penalties.shrink(length)
        move = _less(weights, start)
        bound = height + _dot(slopes, move) + _dot(move, move) / (2.0 * length)
        if objective(False) + penalties.smooth_value() <= bound + rounding:
            return length
        length /= 2.0
    return 0.0


@torch.no_grad()
def _put(weights: list[Tensor], values: Iterable[Tensor]) -> None:
    torch._foreach_copy_(weights, list(values))


def _copies(weights: list[Tensor]) -> list[Tensor]:
    return [weight.detach().clone() for weight in weights]


def _less(one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
    return [a.detach() - b.detach() for a, b in zip(one, other, strict=True)]


def _dot(one: list[Tensor], other: list[Tensor]) -> float:
    return sum(float((a.double() * b.double()).sum()) for a, b in zip(one, other, strict=True))
