"""Sparse group lasso."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Proximal, Range, Scope
from bridle.regularizers.penalties._base import TINY, Groups, norms, shrink_groups, size, soft


@final
@dataclass(frozen=True)
class SparseGroupLasso(Proximal):
    """``l1 * sum |w| + group * sum_g sqrt(n_g) ||w_g||``: drops whole groups, and single weights in those it keeps.

    Args:
        l1: Multiplies the sum of absolute values, in [0, inf).
        group: Multiplies the weighted sum of the groups' Euclidean norms, in [0, inf).
        groups: ``"neurons"``: all weights that enter a neuron or an output channel; ``"inputs"``: all that leave an
            input feature or channel; ``"kernels"``: each kernel of a convolution.
        scope: The weights it touches.

    Reference: Simon, Friedman, Hastie and Tibshirani 2013, "A sparse-group lasso".
    """

    by_axis: ClassVar[bool] = True
    l1: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    group: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    groups: Groups = "neurons"
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``l1 * sum |w| + group * sum_g sqrt(n_g) ||w_g||``."""
        sums = [norms(weight, self.groups).sum() * size(weight, self.groups) ** 0.5 for weight in weights]
        absolute = torch.stack([weight.abs().sum() for weight in weights]).sum()
        return self.l1 * absolute + self.group * torch.stack(sums).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``l1 * sign(w) + group * sqrt(n_g) w / ||w_g||``; zero where its weight, or its group, is zero."""
        return [
            self.l1 * weight.sign()
            + self.group * size(weight, self.groups) ** 0.5 * weight / norms(weight, self.groups).clamp(min=TINY)
            for weight in weights
        ]

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Soft thresholding, then the step of the group lasso: together exact in any diagonal metric."""
        return [
            shrink_groups(
                soft(weight, self.l1 * step), step, self.group * size(weight, self.groups) ** 0.5, self.groups
            )
            for weight, step in zip(weights, steps, strict=True)
        ]
