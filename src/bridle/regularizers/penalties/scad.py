"""Smoothly clipped absolute deviation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Proximal, Range, Scope
from bridle.regularizers.penalties._base import TINY, soft


@final
@dataclass(frozen=True)
class SCAD(Proximal):
    """Smoothly clipped absolute deviation: L1 up to ``strength``, then a pull that fades to none.

    ``strength |w|`` up to ``|w| = strength``, ``(2 gamma strength |w| - w^2 - strength^2) / (2 (gamma - 1))`` up to
    ``gamma * strength``, then the constant ``strength^2 (gamma + 1) / 2``: exact zeros as L1 has them, without its bias
    on large weights. It is not convex.

    Args:
        strength: The slope at zero, in [0, inf).
        gamma: How far the pull reaches, in multiples of the strength, in [2.01, inf); large is L1.
        scope: The weights it touches.

    Reference: Fan and Li 2001, "Variable selection via nonconcave penalized likelihood and its oracle properties".
    """

    separable: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-4, 1e-1), log=True)]
    gamma: Annotated[float, Range(2.01, search=(2.5, 30.0), log=True)] = 3.7
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """The sum over all weights."""
        sums = []
        for weight in weights:
            reach = weight.abs().clamp(max=self.gamma * self.strength)
            fading = (reach - self.strength).clamp(min=0.0)
            sums.append((self.strength * reach - fading.square() / (2 * (self.gamma - 1))).sum())
        return torch.stack(sums).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``sign(w)`` times the strength, times ``(gamma strength - |w|) / (gamma - 1)`` where that is less, or 0."""
        slopes = [(self.gamma * self.strength - weight.abs()) / (self.gamma - 1) for weight in weights]
        return [
            weight.sign() * torch.minimum(slope.clamp(min=0.0), torch.zeros_like(slope) + self.strength)
            for weight, slope in zip(weights, slopes, strict=True)
        ]

    def strength_max(self, gradients: Sequence[Tensor]) -> float:
        """``max |g|``."""
        return max(float(gradient.abs().max()) for gradient in gradients)

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Soft, stretched and no thresholding for short steps; the middle part shrinks as steps grow, then the first.

        Steps from ``gamma - 1``: soft thresholding up to ``strength (gamma + 1 + step) / 2``, then none. Steps from
        ``gamma + 1``: hard thresholding at ``strength sqrt(step (gamma + 1))``.
        """
        return [self._prox(weight, step) for weight, step in zip(weights, steps, strict=True)]

    def _prox(self, weight: Tensor, step: Tensor | float) -> Tensor:
        step = torch.as_tensor(step, dtype=weight.dtype, device=weight.device)
        size, inner = weight.abs(), soft(weight, self.strength * step)
        room = (self.gamma - 1 - step).clamp(min=TINY)
        middle = ((self.gamma - 1) * weight - weight.sign() * step * self.gamma * self.strength) / room
        outer = torch.where(size <= self.gamma * self.strength, middle, weight)
        short = torch.where(size <= self.strength * (1 + step), inner, outer)
        medium = torch.where(size <= self.strength * (self.gamma + 1 + step) / 2, inner, weight)
        long = torch.where(size <= self.strength * (step * (self.gamma + 1)).sqrt(), 0.0, weight)
        return torch.where(step < self.gamma - 1, short, torch.where(step < self.gamma + 1, medium, long))
