"""L2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Convertible, Penalty, Range, Scope


@final
@dataclass(frozen=True)
class L2(Penalty, Convertible):
    """``strength * 1/2 * sum w^2``: pulls every weight towards zero in proportion to its size.

    Args:
        strength: Multiplies half the sum of squares, in [0, inf).
        scope: The weights it touches.

    Reference: Hoerl and Kennard 1970, "Ridge regression".
    """

    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    scope: Scope = "matrices"
    separable: ClassVar[bool] = True
    states: ClassVar[Mapping[str, str]] = {"l2": "strength"}

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength / 2 * sum w^2``."""
        return self.strength / 2 * torch.stack([weight.square().sum() for weight in weights]).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``strength * w``."""
        return [self.strength * weight for weight in weights]

    def add_gradient(self, weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
        """The same, without a copy of the weights."""
        torch._foreach_add_(list(gradients), list(weights), alpha=self.strength)
