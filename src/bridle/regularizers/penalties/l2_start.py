"""L2 to a starting point."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Anchored, Range, Scope


@final
@dataclass(frozen=True)
class L2Start(Anchored):
    """``strength * 1/2 * sum (w - w0)^2``: keeps fine-tuned weights near where they started.

    Args:
        strength: Multiplies half the sum of squared distances, in [0, inf).
        checkpoint: A safetensors file with the starting point w0; by default the weights as they are when training
            begins.
        scope: The weights it touches.

    Reference: Li, Grandvalet and Davoine 2018, "Explicit inductive bias for transfer learning with convolutional
    networks" (L2-SP).
    """

    strength: Annotated[float, Range(0.0, search=(1e-5, 1e-1), log=True)]
    checkpoint: str = ""
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength / 2 * sum d^2`` of the distances d."""
        return self.strength / 2 * torch.stack([weight.square().sum() for weight in weights]).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``strength * d``."""
        return [self.strength * weight for weight in weights]
