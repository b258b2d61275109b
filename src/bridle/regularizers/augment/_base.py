"""What the augmentations share: geometry that is fused into one resampling.

Coordinates are pixels from the middle of the image, x to the right and y down, so that a rotation is one on images
that are not square too.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias, final

import torch
import torch.nn.functional as F
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws
from bridle.records import Kind

Fill: TypeAlias = Literal["zeros", "border", "reflection"]
"""What is seen outside an image: black, the nearest pixel of the border, or the image mirrored at the border."""


class Geometric(Augmentation):
    """An augmentation that moves the pixels of an image by an affine map, and nothing else."""

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.IMAGE})

    @property
    @abstractmethod
    def fill(self) -> Fill | None:
        """What is seen outside the image; ``None`` where the map never looks there."""

    @abstractmethod
    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """``(B, 2, 3)``: for each example the map from a pixel of the new image to the place in the old one."""

    @final
    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """The batch with its pixels moved, by bilinear interpolation."""
        return transform(batch, (self,), draws)


class Flip(Geometric):
    """A geometric augmentation that mirrors an image; alone it is exact, without interpolation."""

    axis: ClassVar[int]
    """-1 mirrors left and right, -2 top and bottom."""

    @abstractmethod
    def flipped(self, batch: Batch, draws: Draws) -> Tensor:
        """``(B,)`` bool: which examples are mirrored."""

    @property
    @final
    def fill(self) -> None:
        """A mirrored image needs nothing from outside."""
        return

    @final
    def matrix(self, batch: Batch, draws: Draws) -> Tensor:
        """The identity, with the sign of one axis turned where an example is mirrored."""
        sign: Tensor = 1 - 2 * self.flipped(batch, draws).to(torch.float32)
        one = torch.ones_like(sign)
        return affine(sign, one) if self.axis == -1 else affine(one, sign)


def affine(xx: Tensor, yy: Tensor, **others: Tensor) -> Tensor:
    """``(B, 2, 3)`` with the rows ``(xx, xy, x)`` and ``(yx, yy, y)``; those not given are zero."""
    entries = {"xx": xx, "yy": yy, **others}
    zero = torch.zeros_like(xx)
    return torch.stack([entries.get(name, zero) for name in ("xx", "xy", "x", "yx", "yy", "y")], -1).view(-1, 2, 3)


def compose(first: Tensor, second: Tensor) -> Tensor:
    """The matrix of doing ``first`` and then ``second``; written out, since products of matrices may round on a GPU."""
    shift: Tensor = F.pad(first[:, :, 2:], (2, 0))
    return shift + first[:, :, 0:1] * second[:, 0:1] + first[:, :, 1:2] * second[:, 1:2]


def resample(images: Tensor, matrices: Tensor, fill: Fill) -> Tensor:
    """Images seen through affine maps, by bilinear interpolation.

    Args:
        images: ``(B, C, H, W)``.
        matrices: ``(B, 2, 3)``, from a new pixel to the place in the old image, in pixels from the middle.
        fill: What is seen outside the image.
    """
    height, width = images.shape[-2:]
    dtype = torch.promote_types(images.dtype, torch.float32)
    matrices = matrices.to(dtype)
    scaled = torch.stack([matrices[:, 0] * (2 / width), matrices[:, 1] * (2 / height)], dim=1)
    x = torch.arange(width, dtype=dtype, device=images.device) - (width - 1) / 2
    y = torch.arange(height, dtype=dtype, device=images.device) - (height - 1) / 2
    along_x = scaled[:, :, None, 0:1] * x
    along_y = scaled[:, :, 1:2] * y + scaled[:, :, 2:]
    grid = (along_x + along_y[..., None]).permute(0, 2, 3, 1)
    moved = F.grid_sample(images.to(dtype), grid, mode="bilinear", padding_mode=fill, align_corners=False)
    return moved.to(images.dtype)


def transform(batch: Batch, run: Sequence[Geometric], draws: Draws) -> Batch:
    """The batch after a run of geometric augmentations, with one resampling for all; flips alone are exact."""
    images = batch.inputs
    flips = [item for item in run if isinstance(item, Flip)]
    if len(flips) == len(run):
        for flip in flips:
            images = torch.where(flip.flipped(batch, draws)[:, None, None, None], images.flip(flip.axis), images)
        return dataclasses.replace(batch, inputs=images)
    matrices = run[0].matrix(batch, draws)
    for item in run[1:]:
        matrices = compose(matrices, item.matrix(batch, draws))
    fills: list[Fill] = [item.fill for item in run if item.fill is not None]
    return dataclasses.replace(batch, inputs=resample(images, matrices, fills[0] if fills else "border"))


def amount(name: str, batch: Batch, draws: Draws, strength: float, rate: float) -> Tensor:
    """``(B, 1, 1, 1)``: for each image a number drawn uniformly from -strength to strength; 0 where it is left alone.

    Args:
        name: What the draws are for.
        batch: The images.
        draws: The randomness.
        strength: The largest number either way.
        rate: The probability that an image is changed.
    """
    drawn, whether = draws.per_example(name, batch.examples, batch.times, 2).unbind(1)
    return ((2 * drawn - 1) * (whether < rate) * strength).to(batch.inputs.dtype)[:, None, None, None]
