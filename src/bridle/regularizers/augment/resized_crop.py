"""Resized crop."""

from dataclasses import dataclass
from typing import Annotated, final

from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Geometric, affine


@final
@dataclass(frozen=True)
class ResizedCrop(Geometric):
    """Cuts a window of a random share of the area and a random shape, and stretches it to the size of the image.

    The share is uniform from ``area`` to 1, the window's width against its height (each as a share of its side)
    log-uniform from ``1 / ratio`` to ``ratio``, its place uniform. A side that would be longer than the image's is
    cut to it.

    Args:
        area: The smallest share of the area that stays in view, in (0, 1].
        ratio: By which factor the window may be wider or higher in shape than the image, in [1, 4].
        rate: The probability that an image is cropped, in [0, 1].

    Reference: Szegedy et al. 2015, "Going deeper with convolutions", section 6.
    """

    area: Annotated[float, Range(0.0, 1.0, open_low=True, search=(0.3, 1.0), unit="share of the area")]
    ratio: Annotated[float, Range(1.0, 4.0, search=(1.0, 2.0))] = 4 / 3
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0

    @property
    def fill(self) -> None:
        """A window inside the image needs nothing from outside."""
        return

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """The window's sides as shares of the image's, and its middle."""
        height, width = batch.inputs.shape[-2:]
        size, shape, left, top, whether = draws.per_example(self.key, batch.examples, batch.times, 5).unbind(1)
        chosen = whether < self.rate
        side = (1 - size * (1 - self.area) * chosen).sqrt()
        stretch = self.ratio ** ((shape - 0.5) * chosen)
        wide, high = (side * stretch).clamp(max=1.0), (side / stretch).clamp(max=1.0)
        x, y = (left - 0.5) * (1 - wide) * width, (top - 0.5) * (1 - high) * height
        return affine(wide, high, x=x, y=y)
