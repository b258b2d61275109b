"""Sharpness-aware minimisation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Range, Scope, Update, UpdateRule
from bridle.regularizers.updates._base import TINY


@final
@dataclass(frozen=True)
class SAM(UpdateRule):
    """``g <- gradient at w + radius * g / ||g||``: the step is led by the worst point near w, towards flat minima.

    The norm is that of the gradients of all weights in scope together. The gradient is taken anew on the same batch,
    with the same draws and with batch-norm statistics as they are, so that a step costs twice; then the weights are
    put back, bit for bit.

    Args:
        radius: How far the weights are moved along the gradient, as a Euclidean norm, in [0, inf).
        scope: The weights that are moved; the gradient is taken anew for all.

    Reference: Foret et al. 2021, "Sharpness-aware minimization for efficiently improving generalization".
    """

    by_layer: ClassVar[bool] = False
    recomputes: ClassVar[bool] = True
    radius: Annotated[float, Range(0.0, search=(0.01, 0.5), log=True)]
    scope: Scope = "all"

    def around(self, weights: Sequence[Tensor], update: Update) -> Iterator[None]:
        """Climb, take the gradient there, come back, then the step."""
        slopes = [weight.grad for weight in weights if weight.grad is not None]
        before = [weight.clone() for weight in weights]
        length = torch.stack([torch.linalg.vector_norm(slope) for slope in slopes]).norm()
        torch._foreach_add_(list(weights), [slope * (self.radius / length.clamp(min=TINY)) for slope in slopes])
        try:
            update.gradient_at()
        finally:
            torch._foreach_copy_(list(weights), before)
        yield
