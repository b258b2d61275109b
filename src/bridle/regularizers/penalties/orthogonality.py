"""Orthogonality."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

import torch
from torch import Tensor

from bridle.core import Penalty, Range, Scope


@final
@dataclass(frozen=True)
class Orthogonality(Penalty):
    """Pulls the neurons (or output channels) of a layer apart, until their weights are orthogonal.

    ``"gram"``: ``strength / 2 * ||W W^T - I||^2``, which also draws every row to length 1; W has a row for each neuron.
    ``"cosines"``: ``strength`` times the mean of the absolute cosines between two rows, whatever their lengths.

    Args:
        strength: Multiplies the sum over the layers, in [0, inf).
        form: ``"gram"`` or ``"cosines"``.
        scope: The weights it touches.

    Reference: Bansal, Chen and Wang 2018, "Can we gain more from orthogonality regularizations in training deep
    networks?" (gram); the regularizer ``OrthogonalRegularizer`` of Keras (cosines).
    """

    by_axis: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-1), log=True)]
    form: Literal["gram", "cosines"] = "gram"
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """The sum over the layers."""
        of = _gram if self.form == "gram" else _cosines
        return self.strength * torch.stack([of(_rows(weight)) for weight in weights]).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``2 strength (W W^T - I) W``; or along the sphere, the signs of the other rows' cosines times those rows."""
        slope = _gram_slope if self.form == "gram" else _cosines_slope
        return [self.strength * slope(_rows(weight)).reshape(weight.shape) for weight in weights]


def _rows(weight: Tensor) -> Tensor:
    """A row for each neuron; a bias is one row."""
    return weight.flatten(1) if weight.ndim > 1 else weight.reshape(1, -1)


def _gram(rows: Tensor) -> Tensor:
    return (rows @ rows.T - torch.eye(len(rows), dtype=rows.dtype, device=rows.device)).square().sum() / 2


def _gram_slope(rows: Tensor) -> Tensor:
    return 2 * (rows @ rows.T @ rows - rows)


def _cosines(rows: Tensor) -> Tensor:
    unit = rows / _lengths(rows)
    return (unit @ unit.T).abs().triu(1).sum() / _pairs(rows)


def _cosines_slope(rows: Tensor) -> Tensor:
    lengths = _lengths(rows)
    unit = rows / lengths
    signs = (unit @ unit.T).sign()
    pull = (signs - signs.diagonal().diag_embed()) @ unit / _pairs(rows)
    return (pull - unit * (pull * unit).sum(1, keepdim=True)) / lengths


def _lengths(rows: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return lengths.clamp(min=1e-12)


def _pairs(rows: Tensor) -> float:
    return max(len(rows) * (len(rows) - 1) / 2, 1.0)
