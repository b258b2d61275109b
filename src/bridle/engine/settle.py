"""Settle exact zeros: proximal gradient steps on the whole training set, after training with batches.

Gradients of batches scatter around the full one, and so do the zeros of a proximal step, however small it is. A few
steps with full gradients end at those of the objective.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias, final

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
    descent = _Descent(penalties, weights, objective)
    momentum, last = 1.0, _copies(weights)
    for taken in range(steps):
        start = _copies(weights)
        slopes = descent.slopes()
        if not descent.step(start, slopes):
            _put(weights, last)
            return taken
        gone = _less(weights, start)
        if _largest(gone) <= descent.length * descent.precision * (1.0 + _largest(slopes)):
            return taken + 1
        if _dot(gone, _less(weights, last)) < 0:
            momentum = 1.0
        faster = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        before, last = last, _copies(weights)
        _put(weights, torch._foreach_add(last, _less(last, before), alpha=(momentum - 1.0) / faster))
        momentum = faster
    _put(weights, last)
    return steps


@final
class _Descent:
    """Proximal gradient steps whose length is found by backtracking, from twice the last one."""

    def __init__(self, penalties: Penalties, weights: list[Tensor], objective: Objective) -> None:
        self._penalties, self._weights, self._objective = penalties, weights, objective
        self.precision = 16.0 * max(torch.finfo(weight.dtype).eps for weight in weights)
        self.length = self._shortest = 1.0

    def slopes(self) -> list[Tensor]:
        """The gradient of the smooth part of the objective, whose value is kept for the next step."""
        self._height = self._objective(True) + self._penalties.smooth_value()
        self._penalties.add_gradients()
        return [torch.zeros_like(w) if w.grad is None else w.grad.clone() for w in self._weights]

    def step(self, start: list[Tensor], slopes: list[Tensor]) -> bool:
        """Move the weights from ``start`` down the objective; gives whether a step does.

        Where the curvature is lost in the rounding of the objective, the shortest length so far is taken.
        """
        rounding = self.precision * (1.0 + abs(self._height))
        self.length *= 2.0
        for _ in range(60):
            _put(self._weights, torch._foreach_add(start, slopes, alpha=-self.length))
            self._penalties.shrink(self.length)
            move = _less(self._weights, start)
            bend = _dot(move, move) / (2.0 * self.length)
            if bend <= 100.0 * rounding:
                if self.length <= self._shortest:
                    return True
                self.length = self._shortest
            elif self._objective(False) + self._penalties.smooth_value() <= self._height + _dot(slopes, move) + bend:
                self._shortest = min(self._shortest, self.length)
                return True
            else:
                self.length /= 2.0
        return False


@torch.no_grad()
def _put(weights: list[Tensor], values: Iterable[Tensor]) -> None:
    torch._foreach_copy_(weights, list(values))


def _copies(weights: list[Tensor]) -> list[Tensor]:
    return [weight.detach().clone() for weight in weights]


def _less(one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
    return [a.detach() - b.detach() for a, b in zip(one, other, strict=True)]


def _largest(values: list[Tensor]) -> float:
    return float(torch.tensor([float(value.abs().max()) for value in values if value.numel()]).max())


def _dot(one: list[Tensor], other: list[Tensor]) -> float:
    return sum(float((a.double() * b.double()).sum()) for a, b in zip(one, other, strict=True))
