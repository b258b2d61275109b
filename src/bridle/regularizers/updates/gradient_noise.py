"""Noise on the gradient."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Range, Scope, Update, UpdateRule


@final
@dataclass(frozen=True)
class GradientNoise(UpdateRule):
    """``g <- g + N(0, strength / (1 + t)^decay)`` before step t, counted from 0: noise that fades as training goes on.

    It is added to the clipped gradient of the data loss.

    Args:
        strength: The variance of the noise at the first step, in [0, inf).
        decay: The power of the step with which the variance falls, in [0, inf).
        scope: The weights whose gradients it touches.

    Reference: Neelakantan et al. 2015, "Adding gradient noise improves learning for very deep networks".
    """

    strength: Annotated[float, Range(0.0, search=(1e-4, 1.0), log=True)]
    decay: Annotated[float, Range(0.0, search=(0.3, 1.0))] = 0.55
    scope: Scope = "all"

    def around(self, weights: Sequence[Tensor], update: Update) -> Iterator[None]:
        """Add the noise, then the step."""
        deviation = (self.strength / (1 + update.draws.step) ** self.decay) ** 0.5
        for name, weight in zip(update.names, weights, strict=True):
            assert weight.grad is not None  # noqa: S101 - it gets only weights with a gradient
            source = update.draws.generator(f"{self.key}:{name}", weight.device)
            noise = torch.empty(weight.shape, device=weight.device).normal_(generator=source)
            weight.grad.add_((noise * deviation).to(weight.dtype))
        yield
