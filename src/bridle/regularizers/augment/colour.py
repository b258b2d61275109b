"""Colour."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Range
from bridle.records import Kind, Layout

_TO_YIQ = torch.tensor(
    [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]], dtype=torch.float64
)
_FROM_YIQ = torch.linalg.inv(_TO_YIQ)
# The part of a colour in the plane (I, Q), and that part turned by 90 degrees: as maps of (red, green, blue).
_CHROMA = _FROM_YIQ[:, 1:] @ _TO_YIQ[1:]
_QUARTER = _FROM_YIQ[:, 1:] @ torch.stack([-_TO_YIQ[2], _TO_YIQ[1]])


@final
@dataclass(frozen=True)
class Colour(Augmentation):
    """Makes an image paler or more colourful, and turns its hue; its luminance stays.

    In the colour space YIQ, the plane (I, Q) is multiplied by a factor drawn uniformly from ``1 - saturation`` to
    ``1 + saturation`` and turned by an angle drawn uniformly from -``hue`` to ``hue``.

    Args:
        saturation: How far the factor goes from 1 at most, in [0, 1].
        hue: The largest angle either way, in degrees, in [0, 180].
        rate: The probability that an image is changed, in [0, 1].

    Reference: Howard 2013, "Some improvements on deep convolutional neural network based image classification".
    """

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.IMAGE})
    saturation: Annotated[float, Range(0.0, 1.0, search=(0.05, 0.6))]
    hue: Annotated[float, Range(0.0, 180.0, search=(0.0, 20.0), unit="degrees")] = 0.0
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0

    def refuses(self, layout: Layout) -> str:
        """Other kinds of data, and images without three channels."""
        channels = layout.shape[0]
        reason = f"acts on images with 3 channels (red, green, blue); these have {channels}"
        return super().refuses(layout) or ("" if channels == 3 else reason)

    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """``clip(x + D x, 0, 1)``, ``D`` the change of each example's colours as a 3 by 3 matrix."""
        images = batch.inputs
        change = self.matrix(batch, draws).to(images.dtype)[..., None, None]
        changed = images + sum(change[:, :, channel] * images[:, channel : channel + 1] for channel in range(3))
        return dataclasses.replace(batch, inputs=changed.clamp(0, 1))

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """``(B, 3, 3)``: what is added to each example's colours, as a linear map of them."""
        pale, turn, whether = draws.per_example(self.key, batch.examples, batch.times, 3).unbind(1)
        chosen = whether < self.rate
        factor = 1 + (2 * pale - 1) * chosen * self.saturation
        angle = (2 * turn - 1) * chosen * (self.hue * math.pi / 180)
        along, across = (factor * angle.cos() - 1)[:, None, None], (factor * angle.sin())[:, None, None]
        change: Tensor = along * _CHROMA.to(along) + across * _QUARTER.to(along)
        return change
