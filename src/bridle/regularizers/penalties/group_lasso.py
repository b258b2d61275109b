"""Group lasso."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Proximal, Range, Scope
from bridle.regularizers.penalties._base import TINY, Groups, norms, shrink_groups, size


@final
@dataclass(frozen=True)
class GroupLasso(Proximal):
    """``strength * sum_g sqrt(n_g) ||w_g||``: drops neurons, channels or inputs as a whole, by exact zeros.

    ``n_g`` is the number of weights in group g, so that groups of all sizes are asked alike.

    Args:
        strength: Multiplies the weighted sum of the groups' Euclidean norms, in [0, inf).
        groups: ``"neurons"``: all weights that enter a neuron or an output channel; ``"inputs"``: all that leave an
            input feature or channel; ``"kernels"``: each kernel of a convolution.
        scope: The weights it touches.

    Reference: Yuan and Lin 2006, "Model selection and estimation in regression with grouped variables".
    """

    by_axis: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    groups: Groups = "neurons"
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength * sum_g sqrt(n_g) ||w_g||``."""
        sums = [norms(weight, self.groups).sum() * size(weight, self.groups) ** 0.5 for weight in weights]
        return self.strength * torch.stack(sums).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``strength * sqrt(n_g) w / ||w_g||``, zero where the group is."""
        return [
            self.strength * size(weight, self.groups) ** 0.5 * weight / norms(weight, self.groups).clamp(min=TINY)
            for weight in weights
        ]

    def strength_max(self, gradients: Sequence[Tensor]) -> float:
        """``max_g ||g_g|| / sqrt(n_g)``."""
        lengths = [norms(slope, self.groups).max() / size(slope, self.groups) ** 0.5 for slope in gradients]
        return float(torch.stack(lengths).max())

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Each group shortened, or zero; in the metric of the steps."""
        return [
            shrink_groups(weight, step, self.strength * size(weight, self.groups) ** 0.5, self.groups)
            for weight, step in zip(weights, steps, strict=True)
        ]
