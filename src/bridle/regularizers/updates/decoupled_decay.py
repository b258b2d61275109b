"""Decoupled weight decay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from torch import Tensor

from bridle.core import Range, Scope, Update, UpdateRule


@final
@dataclass(frozen=True)
class DecoupledDecay(UpdateRule):
    """``w <- (1 - learning rate * strength) * w`` before each step: the decay of AdamW, under any optimizer.

    Under an optimizer with a step per weight, such as Adam, it is no penalty: how far it shrinks a weight depends on
    the size of the weight's gradients. It adds to the optimizer's own ``weight_decay``.

    Args:
        strength: The share of a weight that decays per step and unit of learning rate, in [0, inf); torch's
            ``AdamW(weight_decay=...)``.
        scope: The weights it touches.

    Reference: Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
    """

    decays: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-4, 1.0), log=True)]
    scope: Scope = "matrices"

    def around(self, weights: Sequence[Tensor], update: Update) -> Iterator[None]:
        """Decay, then the step."""
        for weight, rate in zip(weights, update.rates, strict=True):
            weight.mul_(1 - rate * self.strength)
        yield
