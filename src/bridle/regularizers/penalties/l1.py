"""L1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Convertible, Proximal, Range, Scope
from bridle.regularizers.penalties._base import soft, soften


@final
@dataclass(frozen=True)
class L1(Proximal, Convertible):
    """``strength * sum |w|``: pulls every weight towards zero by the same amount and sets small ones to exactly zero.

    Args:
        strength: Multiplies the sum of absolute values, in [0, inf).
        scope: The weights it touches.

    Reference: Tibshirani 1996, "Regression shrinkage and selection via the lasso".
    """

    separable: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    scope: Scope = "matrices"
    states: ClassVar[Mapping[str, str]] = {"l1": "strength"}

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength * sum |w|``."""
        return self.strength * torch.stack([weight.abs().sum() for weight in weights]).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``strength * sign(w)``, zero where the weight is zero."""
        return [self.strength * weight.sign() for weight in weights]

    def shrink(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> None:
        """The same in place, in one pass where the steps are numbers."""
        for weight, step in zip(weights, steps, strict=True):
            soften(weight, self.strength * step)

    def strength_max(self, gradients: Sequence[Tensor]) -> float:
        """``max |g|``."""
        return max(float(gradient.abs().max()) for gradient in gradients)

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Soft thresholding at ``step * strength``."""
        return [soft(weight, self.strength * step) for weight, step in zip(weights, steps, strict=True)]
