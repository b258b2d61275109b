"""Shift."""

from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Fill, Geometric, affine


@final
@dataclass(frozen=True)
class Shift(Geometric):
    """Moves an image sideways and up or down, each by up to the share ``fraction`` of its side, drawn uniformly.

    Args:
        fraction: The largest movement as a share of the side, in [0, 1].
        rate: The probability that an image is moved, in [0, 1].
        fill: What comes in at the edges: ``"zeros"`` (black), ``"border"`` or ``"reflection"``.

    Reference: Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to visual
    document analysis".
    """

    fraction: Annotated[float, Range(0.0, 1.0, search=(0.01, 0.2), unit="share of the side")]
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0
    fill: Fill = "zeros"

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """The identity with each example's movement in pixels beside it."""
        height, width = batch.inputs.shape[-2:]
        along_x, along_y, whether = draws.per_example(self.key, batch.examples, batch.times, 3).unbind(1)
        reach = (whether < self.rate) * (2 * self.fraction)
        one = torch.ones_like(along_x)
        return affine(one, one, x=(along_x - 0.5) * reach * width, y=(along_y - 0.5) * reach * height)
