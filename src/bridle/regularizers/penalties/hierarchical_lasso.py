"""Hierarchical lasso."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Proximal, Range, Scope
from bridle.errors import RecipeError
from bridle.regularizers.penalties._base import TINY


def _skip_and_first() -> Scope:
    return {"names": ("skip.weight", "first.weight")}


@final
@dataclass(frozen=True)
class HierarchicalLasso(Proximal):
    """``strength * sum_j ||theta_j||`` with ``|W_j| <= hierarchy * ||theta_j||``: drops features from a whole network.

    It takes two weights with a column for each feature: theta ``(outputs, F)`` of a linear skip connection from the
    inputs to the outputs, then W ``(H, F)`` of the network's first layer. Where a feature's skip weights are zero so is
    all that enters the network from it. The constraint holds after every proximal step, also at strength 0, where that
    step is the projection on it; the value does not contain it. Where theta_j is zero and W_j is not, every direction
    of theta_j is as near: all its entries become alike.

    Args:
        strength: Multiplies the sum of the features' skip norms, in [0, inf).
        hierarchy: How much larger than the norm of its skip weights a feature's first-layer weights may be (the M of
            the paper), in (0, inf). Small: nearly linear. Very large: a network whose features are hardly tied.
        features: The number of the feature that each column belongs to (the one-hot columns of a category are one
            feature); by default every column is a feature of its own.
        scope: The weights it touches, that of the skip connection first in the model's order.

    Reference: Lemhadri, Ruan, Abraham and Tibshirani 2021, "LassoNet: a neural network with feature sparsity".
    """

    by_layer: ClassVar[bool] = False
    one_step: ClassVar[bool] = True
    takes_pair: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-5, 1e-1), log=True)]
    hierarchy: Annotated[float, Range(0.0, open_low=True, search=(1.0, 100.0), log=True)] = 10.0
    features: tuple[int, ...] = ()
    scope: Scope = dataclasses.field(default_factory=_skip_and_first)

    def __post_init__(self) -> None:
        """Check the numbers of the features too."""
        super().__post_init__()
        if self.gradient_only:
            raise RecipeError("HierarchicalLasso has a constraint, which no gradient keeps: it has no gradient_only.")
        object.__setattr__(self, "features", tuple(self.features))
        if not all(type(feature) is int and feature >= 0 for feature in self.features):
            raise RecipeError(
                "HierarchicalLasso.features must be a whole number, 0 or more, for each column; "
                f"got {list(self.features)!r}."
            )

    def refuses(self, shapes: Sequence[Sequence[int]]) -> str:
        """It takes two weights with equally many columns, as many as ``features`` names."""
        columns = {shape[1] if len(shape) > 1 else 0 for shape in shapes}
        if len(shapes) != 2 or len(columns) > 1 or 0 in columns:
            return (
                "takes two weights with a column for each feature, a skip connection's and then a first layer's "
                '(write scope = { names = ["...", "..."] })'
            )
        if self.features and len(self.features) not in columns:
            return f"names the features of {len(self.features)} columns"
        return ""

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength * sum_j ||theta_j||``."""
        parts = [torch.linalg.vector_norm(block, dim=1).sum() for block in _blocks(weights[0], self.features)]
        return self.strength * torch.stack(parts).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``strength * theta_j / ||theta_j||``, zero where the norm is; zero for W."""
        slopes = [block / _norms(block).clamp(min=TINY) for block in _blocks(weights[0], self.features)]
        return [self.strength * _whole(slopes, weights[0], self.features), torch.zeros_like(weights[1])]

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Each feature's norm b by sorting ``|W_j|``; theta_j at that length, W_j cut off at ``hierarchy * b``."""
        ratio, cut = steps[0] / steps[1], self.strength * steps[0]
        skips, firsts = [], []
        for theta, first in zip(*(_blocks(weight, self.features) for weight in weights), strict=True):
            norms = _norms(theta)
            lengths = _lengths(norms, first.abs(), cut, ratio, self.hierarchy)
            even = lengths / math.sqrt(theta.shape[1])
            skips.append(torch.where(norms > 0, theta * (lengths / norms.clamp(min=TINY)), even))
            most = self.hierarchy * lengths
            firsts.append(first.clamp(-most, most))
        return [_whole(skips, weights[0], self.features), _whole(firsts, weights[1], self.features)]

    def inside(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """W_j cut off at ``hierarchy * ||theta_j||``."""
        firsts = []
        for theta, first in zip(*(_blocks(weight, self.features) for weight in weights), strict=True):
            most = self.hierarchy * _norms(theta)
            firsts.append(first.clamp(-most, most))
        return [weights[0], _whole(firsts, weights[1], self.features)]


def _norms(block: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(block, dim=1, keepdim=True)
    return norms


def _lengths(norms: Tensor, sizes: Tensor, cut: Tensor | float, ratio: Tensor | float, hierarchy: float) -> Tensor:
    """The norm b of each feature, ``argmin_b (b - |v|)^2 / 2 + cut b + ratio / 2 * sum_i max(|u_i| - M b, 0)^2``.

    If the k largest entries are cut off, ``b_k = (|v| - cut + ratio M sum_(i<=k) |u_i|) / (1 + ratio k M^2)``; k is
    right where the next largest is at most ``M b_k``.
    """
    largest = sizes.sort(dim=1, descending=True).values
    none = torch.zeros_like(norms)
    sums = torch.cat([none, largest.cumsum(1)], 1)
    counts = torch.arange(sums.shape[1], dtype=sums.dtype, device=sums.device)
    lengths = ((norms - cut + ratio * hierarchy * sums) / (1 + ratio * hierarchy**2 * counts)).clamp(min=0.0)
    right = (torch.cat([largest, none], 1) > hierarchy * lengths).sum(1, keepdim=True)
    return lengths.gather(1, right)


def _blocks(weight: Tensor, features: tuple[int, ...]) -> list[Tensor]:
    """A row for each feature with all its weights: one block of rows for features of the same number of columns."""
    rows = weight.transpose(0, 1).flatten(1)
    return [rows[columns].flatten(1) for columns in _columns(features)] if features else [rows]


def _whole(blocks: list[Tensor], like: Tensor, features: tuple[int, ...]) -> Tensor:
    """The weight whose blocks these are."""
    if features:
        order = torch.cat([columns.flatten() for columns in _columns(features)])
        blocks = [block.reshape(-1, like.shape[:1].numel() * like.shape[2:].numel()) for block in blocks]
        rows = torch.cat(blocks)[order.argsort()]
    else:
        rows = blocks[0]
    return rows.reshape(like.shape[1], like.shape[0], *like.shape[2:]).transpose(0, 1)


def _columns(features: tuple[int, ...]) -> list[Tensor]:
    """The columns of each feature ``(features, columns)``, one tensor for each number of columns."""
    by_feature: dict[int, list[int]] = {}
    for column, feature in enumerate(features):
        by_feature.setdefault(feature, []).append(column)
    sizes = sorted({len(columns) for columns in by_feature.values()})
    return [torch.tensor([own for own in by_feature.values() if len(own) == size]) for size in sizes]
