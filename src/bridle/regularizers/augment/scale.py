"""Scale."""

from dataclasses import dataclass
from typing import Annotated, final

from torch import Tensor

from bridle.core import Batch, Draws, Range
from bridle.regularizers.augment._base import Fill, Geometric, affine


@final
@dataclass(frozen=True)
class Scale(Geometric):
    """Enlarges or shrinks an image about its middle by a factor between ``1 / (1 + fraction)`` and ``1 + fraction``.

    The factor's logarithm is uniform: enlarging and shrinking are equally likely.

    Args:
        fraction: By which share of its size an image grows at most, in [0, 4].
        rate: The probability that an image is scaled, in [0, 1].
        fill: What comes in at the edges: ``"zeros"`` (black), ``"border"`` or ``"reflection"``.

    Reference: Ciresan et al. 2010, "Deep, big, simple neural nets for handwritten digit recognition".
    """

    fraction: Annotated[float, Range(0.0, 4.0, search=(0.02, 0.4), unit="share of the size")]
    rate: Annotated[float, Range(0.0, 1.0, search=(0.2, 1.0))] = 1.0
    fill: Fill = "zeros"

    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """The identity divided by each example's factor."""
        size, whether = draws.per_example(self.key, batch.examples, batch.times, 2).unbind(1)
        inverse = (1 + self.fraction) ** ((1 - 2 * size) * (whether < self.rate))
        return affine(inverse, inverse)
