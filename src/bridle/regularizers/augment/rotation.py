"""Rotation."""

import math
from dataclasses import dataclass
from typing import Annotated, final

from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Fill, Geometric, affine


@final
@dataclass(frozen=True)
class Rotation(Geometric):
    """Rotates an image about its middle by an angle drawn uniformly from -``degrees`` to ``degrees``.

    Args:
        degrees: The largest angle either way, in degrees, in [0, 180].
        rate: The probability that an image is rotated, in [0, 1].
        fill: What comes in at the corners: ``"zeros"`` (black), ``"border"`` or ``"reflection"``.

    Reference: Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to visual
    document analysis".
    """

    degrees: Annotated[float, Range(0.0, 180.0, search=(1.0, 30.0), unit="degrees")]
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0
    fill: Fill = "zeros"

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """``[[cos, -sin, 0], [sin, cos, 0]]`` of each example's angle."""
        turn, whether = draws.per_example(self.key, batch.examples, batch.times, 2).unbind(1)
        angle = (2 * turn - 1) * (whether < self.rate) * (self.degrees * math.pi / 180)
        cos, sin = angle.cos(), angle.sin()
        return affine(cos, cos, xy=-sin, yx=sin)
