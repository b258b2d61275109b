"""Nuclear norm."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Proximal, Range, Scope


@final
@dataclass(frozen=True)
class Nuclear(Proximal):
    """``strength * sum of the singular values`` of each weight matrix: makes layers of low rank.

    A kernel counts as the matrix with a row for each output channel. Its proximal step takes one length of step for a
    whole matrix, as SGD has it; there is none in closed form for a step per weight, as Adam has them.

    Args:
        strength: Multiplies the sum of the singular values, in [0, inf).
        scope: The weights it touches.

    Reference: Cai, Candes and Shen 2010, "A singular value thresholding algorithm for matrix completion".
    """

    by_axis: ClassVar[bool] = True
    one_step: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-5, 1e-1), log=True)]
    scope: Scope = "matrices"

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``strength`` times the sum of all singular values."""
        return self.strength * torch.stack([torch.linalg.svdvals(_matrix(weight)).sum() for weight in weights]).sum()

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``strength * U V^T`` over the singular values that are not zero."""
        return [(self.strength * _part(weight, None)).reshape(weight.shape) for weight in weights]

    def strength_max(self, gradients: Sequence[Tensor]) -> float:
        """The largest singular value of the gradient."""
        return max(float(torch.linalg.svdvals(_matrix(gradient))[0]) for gradient in gradients)

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Every singular value less ``step * strength``, at least 0."""
        return [
            weight - _part(weight, self.strength * step).reshape(weight.shape)
            for weight, step in zip(weights, steps, strict=True)
        ]


def _matrix(weight: Tensor) -> Tensor:
    return weight.flatten(1) if weight.ndim > 1 else weight.reshape(1, -1)


def _part(weight: Tensor, most: Tensor | float | None) -> Tensor:
    """``U min(S, most) V^T``, the matrix itself where nothing is cut off; ``None``: 1 for all that are not zero."""
    matrix = _matrix(weight)
    parts: tuple[Tensor, Tensor, Tensor] = torch.linalg.svd(matrix, full_matrices=False)
    left, values, right = parts
    if most is None:
        noise = max(matrix.shape) * torch.finfo(matrix.dtype).eps * values[:1]
        return (left * (values > noise)) @ right
    cut = (left * values.clamp(max=most)) @ right
    return torch.where(values[0] <= most, matrix, cut)
