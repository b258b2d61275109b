"""A bound on the spectral norm of each step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Range, Scope, Update, UpdateRule
from bridle.regularizers.updates._base import TINY


@final
@dataclass(frozen=True)
class SpectralStep(UpdateRule):
    """``D <- D * min(1, limit * learning rate / ||D||_2)`` for each weight's step D: no layer moves far at once.

    The norm is the largest singular value; a kernel counts as the matrix with a row for each output channel. It is
    measured per unit of learning rate, so that the bound does not fade where the rate falls. A step within the bound
    stays as it is, bit for bit. Since a shortened step is no longer the optimizer's own, no penalty with exact zeros
    can act on the same weight.

    Args:
        limit: The largest singular value of a step, per unit of learning rate, in (0, inf).
        scope: The weights it touches.

    Reference: Yang, Simon and Bernstein 2023, "A spectral condition for feature learning"; Large et al. 2024, "Scalable
        optimization in the modular norm".
    """

    by_axis: ClassVar[bool] = True
    changes_metric: ClassVar[bool] = True
    limit: Annotated[float, Range(0.0, open_low=True, search=(0.1, 10.0), log=True)]
    scope: Scope = "matrices"

    def around(self, weights: Sequence[Tensor], update: Update) -> Iterator[None]:
        """The step, then its excess taken back."""
        before = [weight.clone() for weight in weights]
        yield
        for weight, old, rate in zip(weights, before, update.rates, strict=True):
            step = weight - old
            matrix = step.flatten(1) if step.ndim > 1 else step.reshape(1, -1)
            # There are no decompositions in half precision.
            length = torch.linalg.svdvals(matrix.to(torch.promote_types(step.dtype, torch.float32)))[0].to(step.dtype)
            most = self.limit * rate
            weight.copy_(torch.where(length > most, old + step * (most / length.clamp(min=TINY)), weight))
