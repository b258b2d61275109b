"""L1 on activations."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Draws, Forward, LossTerm, Range, Scope


@final
@dataclass(frozen=True)
class ActivationL1(LossTerm):
    """``strength * mean over examples of sum |a|``: makes activations sparse.

    Keras' ``activity_regularizer=L1(x)`` adds ``x * sum |a| / batch``, which is ``strength = x``.

    Args:
        strength: Multiplies the sum of absolute activations of an example, in [0, inf).
        scope: The activations: by default those that reach a place; or modules, whose output counts.

    Reference: Glorot, Bordes and Bengio 2011, "Deep sparse rectifier neural networks", section 3.
    """

    by_layer: ClassVar[bool] = True
    needs_activations: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    scope: Scope = "all"

    def per_example(self, seen: Forward, draws: Draws) -> Tensor:
        """``strength * sum |a|`` of each example."""
        return self.strength * torch.stack([item.flatten(1).abs().sum(1) for item in seen.activations]).sum(0)
