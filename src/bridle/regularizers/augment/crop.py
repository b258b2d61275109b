"""Crop."""

from dataclasses import dataclass
from typing import Annotated, final

import torch
from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Fill, Geometric, affine


@final
@dataclass(frozen=True)
class Crop(Geometric):
    """Pads an image by ``padding`` pixels on every side and cuts a random window of the old size: a whole-pixel shift.

    Args:
        padding: The width of the padding, in pixels, at least 0.
        fill: What the padding shows: ``"zeros"`` (black), ``"border"`` or ``"reflection"``.

    Reference: Lee et al. 2015, "Deeply-supervised nets"; He et al. 2016, "Deep residual learning for image
        recognition",
    section 4.2.
    """

    padding: Annotated[int, Range(0, integer=True, search=(1, 4), unit="pixels")]
    fill: Fill = "zeros"

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """The identity with each example's shift, a whole number from -``padding`` to ``padding``, beside it."""
        uniforms = draws.per_example(self.key, batch.examples, batch.times, 2)
        x, y = ((uniforms * (2 * self.padding + 1)).floor() - self.padding).unbind(1)
        one = torch.ones_like(x)
        return affine(one, one, x=x, y=y)
