"""L2 on activations."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Draws, Forward, LossTerm, Range, Scope


@final
@dataclass(frozen=True)
class ActivationL2(LossTerm):
    """``strength * mean over examples of 1/2 * sum a^2``: keeps activations small.

    Keras' ``activity_regularizer=L2(x)`` adds ``x * sum a^2 / batch``, without the half: that is ``strength = 2 x``.

    Args:
        strength: Multiplies half the sum of squared activations of an example, in [0, inf).
        scope: The activations: by default those that reach a place; or modules, whose output counts.

    Reference: Merity, McCann and Socher 2017, "Revisiting activation regularization for language RNNs".
    """

    by_layer: ClassVar[bool] = True
    needs_activations: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    scope: Scope = "all"

    def per_example(self, seen: Forward, draws: Draws) -> Tensor:
        """``strength / 2 * sum a^2`` of each example."""
        return self.strength / 2 * torch.stack([item.flatten(1).square().sum(1) for item in seen.activations]).sum(0)
