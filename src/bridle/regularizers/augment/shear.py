"""Shear."""

import math
from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Fill, Geometric, affine


@final
@dataclass(frozen=True)
class Shear(Geometric):
    """Slants an image: its upright lines lean by an angle drawn uniformly from -``degrees`` to ``degrees``.

    Args:
        degrees: The largest angle either way, in degrees, in [0, 60].
        rate: The probability that an image is slanted, in [0, 1].
        fill: What comes in at the sides: ``"zeros"`` (black), ``"border"`` or ``"reflection"``.

    Reference: Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to visual
    document analysis".
    """

    degrees: Annotated[float, Range(0.0, 60.0, search=(1.0, 20.0), unit="degrees")]
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0
    fill: Fill = "zeros"

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """``[[1, tan, 0], [0, 1, 0]]`` of each example's angle."""
        lean, whether = draws.per_example(self.key, batch.examples, batch.times, 2).unbind(1)
        angle = (2 * lean - 1) * (whether < self.rate) * (self.degrees * math.pi / 180)
        one = torch.ones_like(lean)
        return affine(one, one, xy=angle.tan())
