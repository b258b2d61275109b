"""Feature noise."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Range
from bridle.records import Kind, Layout


@final
@dataclass(frozen=True)
class FeatureNoise(Augmentation):
    """``x + strength * z``, ``z`` standard normal, on the numeric columns of a table; indicators and categories stay.

    Args:
        strength: The standard deviation of the noise in standard deviations of the column, in [0, inf).

    Reference: Bishop 1995, "Training with noise is equivalent to Tikhonov regularization".
    """

    acts_on: ClassVar[frozenset[Kind]] = frozenset({Kind.TABLE})
    strength: Annotated[float, Range(0.0, search=(1e-2, 0.5), log=True, unit="standard deviations of the column")]

    def refuses(self, layout: Layout) -> str:
        """Other kinds of data, and tables without a numeric column."""
        none = "" if layout.numeric else "acts on numeric columns; this table has none"
        return super().refuses(layout) or none

    def apply(self, batch: Batch, draws: Draws) -> Batch:
        """The first ``batch.continuous`` columns with noise added."""
        numeric, others = batch.inputs[:, : batch.continuous], batch.inputs[:, batch.continuous :]
        uniforms = draws.per_example(self.key, batch.examples, batch.times, batch.continuous)
        noisy = numeric + (self.strength * _normal(uniforms)).to(numeric.dtype)
        return dataclasses.replace(batch, inputs=torch.cat([noisy, others], dim=1))


def _normal(uniforms: Tensor) -> Tensor:
    """Standard normal numbers from uniform ones on the grid of 2^-24; its midpoints keep clear of both infinities."""
    return math.sqrt(2) * torch.erfinv(2 * uniforms + (2.0**-24 - 1))
