"""A bound on the weights that enter a neuron."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Range, Scope, Update, UpdateRule
from bridle.regularizers.updates._base import TINY


@final
@dataclass(frozen=True)
class MaxNorm(UpdateRule):
    """``w_j <- w_j * min(1, limit / ||w_j||)`` after each step, for all weights w_j that enter a neuron or channel j.

    Args:
        limit: The largest Euclidean norm of the weights that enter one neuron or output channel, in (0, inf).
        scope: The weights it touches.

    Reference: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", section 5.1.
    """

    by_axis: ClassVar[bool] = True
    constrains: ClassVar[bool] = True
    limit: Annotated[float, Range(0.0, open_low=True, search=(0.5, 4.0), log=True)]
    scope: Scope = "matrices"

    def around(self, weights: Sequence[Tensor], update: Update) -> Iterator[None]:
        """The step, then the projection on the ball."""
        yield
        for weight in weights:
            inside = tuple(range(1, weight.ndim))
            length = torch.linalg.vector_norm(weight, dim=inside, keepdim=True) if inside else weight.abs()
            weight.mul_((self.limit / length.clamp(min=TINY)).clamp(max=1.0))
