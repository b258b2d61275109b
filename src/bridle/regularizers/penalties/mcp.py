"""Minimax concave penalty."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Proximal, Range, Scope
from bridle.regularizers.penalties._base import TINY, soft


@final
@dataclass(frozen=True)
class MCP(Proximal):
    """Minimax concave penalty: L1 near zero, and no pull at all on weights beyond ``gamma * strength``.

    ``strength |w| - w^2 / (2 gamma)`` up to there, then the constant ``gamma strength^2 / 2``: exact zeros as L1 has
    them, without its bias on large weights. It is not convex.

    Args:
        strength: The slope at zero, in [0, inf).
        gamma: How far the pull reaches, in multiples of the strength, in [1, inf); large is L1.
        scope: The weights it touches.

    Reference: Zhang 2010, "Nearly unbiased variable selection under minimax concave penalty".
    """

    separable: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-4, 1e-1), log=True)]
    gamma: Annotated[float, Range(1.0, search=(1.5, 30.0), log=True)] = 3.0
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """The sum over all weights."""
        sums = []
        for weight in weights:
            near = weight.abs().clamp(max=self.gamma * self.strength)
            sums.append((self.strength * near - near.square() / (2 * self.gamma)).sum())
        return torch.stack(sums).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``sign(w) * max(strength - |w| / gamma, 0)``."""
        return [weight.sign() * (self.strength - weight.abs() / self.gamma).clamp(min=0.0) for weight in weights]

    def strength_max(self, gradients: Sequence[Tensor]) -> float:
        """``max |g|``."""
        return max(float(gradient.abs().max()) for gradient in gradients)

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Firm thresholding for steps below gamma, for others hard thresholding at ``strength sqrt(gamma step)``."""
        return [self._prox(weight, step) for weight, step in zip(weights, steps, strict=True)]

    def _prox(self, weight: Tensor, step: Tensor | float) -> Tensor:
        step = torch.as_tensor(step, dtype=weight.dtype, device=weight.device)
        size = weight.abs()
        stretched = soft(weight, self.strength * step) / (1 - step / self.gamma).clamp(min=TINY)
        firm = torch.where(size <= self.gamma * self.strength, stretched, weight)
        hard = torch.where(size <= self.strength * (self.gamma * step).sqrt(), 0.0, weight)
        return torch.where(step < self.gamma, firm, hard)
