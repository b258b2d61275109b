"""Horizontal flip."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Flip


@final
@dataclass(frozen=True)
class HorizontalFlip(Flip):
    """Exchanges left and right of an image with probability ``rate``.

    Args:
        rate: The probability that an image is mirrored, in [0, 1].

    Reference: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks".
    """

    axis: ClassVar[int] = -1
    rate: Annotated[float, Range(0.0, 1.0, search=(0.0, 0.5))] = 0.5

    def flipped(self, batch: Batch, draws: Draws) -> Tensor:
        """``u < rate`` for each example."""
        return draws.per_example(self.key, batch.examples, batch.times, 1)[:, 0] < self.rate
