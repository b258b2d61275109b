"""Erasing."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Range
from bridle.records import Kind


@final
@dataclass(frozen=True)
class Erasing(Augmentation):
    """Covers a random rectangle of an image with the image's mean colour, with probability ``rate``.

    The rectangle's share of the area is uniform from 0 to ``area``, its width against its height log-uniform from ``1
    / ratio`` to ``ratio`` (each as a share of its side, at most all of it), its place uniform inside the image.

    Args:
        rate: The probability that an image is covered, in [0, 1].
        area: The largest share of the area that is covered, in [0, 1].
        ratio: By which factor the rectangle may be wider or higher in shape than the image, in [1, 10].

    Reference: Zhong et al. 2020, "Random erasing data augmentation".
    """

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.IMAGE})
    rate: Annotated[float, Range(0.0, 1.0, search=(0.1, 1.0))] = 0.5
    area: Annotated[float, Range(0.0, 1.0, search=(0.05, 0.5), unit="share of the area")] = 0.33
    ratio: Annotated[float, Range(1.0, 10.0, search=(1.0, 4.0))] = 3.0

    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """The mean inside the rectangle, the image outside it."""
        images = batch.inputs
        size, shape, left, top, whether = draws.per_example(self.key, batch.examples, batch.times, 5).unbind(1)
        side = (size * self.area * (whether < self.rate)).sqrt()
        stretch = self.ratio ** (shape - 0.5)
        wide, high = (side * stretch).clamp(max=1.0), (side / stretch).clamp(max=1.0)
        columns = _covered(images.shape[-1], left * (1 - wide), wide)
        rows = _covered(images.shape[-2], top * (1 - high), high)
        covered = columns[:, None, None, :] & rows[:, None, :, None]
        return dataclasses.replace(batch, inputs=torch.where(covered, images.mean(dim=(2, 3), keepdim=True), images))


def _covered(length: int, start: Tensor, extent: Tensor) -> Tensor:
    """``(B, length)`` bool: the pixels whose middle lies in the stretch, given in shares of the side."""
    middles = (torch.arange(length, device=start.device) + 0.5) / length
    return (middles >= start[:, None]) & (middles < (start + extent)[:, None])
