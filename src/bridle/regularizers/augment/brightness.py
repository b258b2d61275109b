"""Brightness."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from bridle.core import Augmentation, Batch, Draws, Range
from bridle.records import Kind
from bridle.regularizers.augment._base import amount


@final
@dataclass(frozen=True)
class Brightness(Augmentation):
    """``clip(f * x, 0, 1)`` with a factor ``f`` drawn uniformly from ``1 - strength`` to ``1 + strength``.

    Args:
        strength: How far the factor goes from 1 at most, in [0, 1].
        rate: The probability that an image is changed, in [0, 1].

    Reference: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks".
    """

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.IMAGE})
    strength: Annotated[float, Range(0.0, 1.0, search=(0.05, 0.5))]
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0

    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """``clip(x + (f - 1) * x, 0, 1)``."""
        images = batch.inputs
        change = amount(self.key, batch, draws, self.strength, self.rate)
        return dataclasses.replace(batch, inputs=(images + change * images).clamp(0, 1))
