"""Elastic net."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Convertible, Proximal, Range, Scope
from bridle.regularizers.penalties._base import soft, soften


@final
@dataclass(frozen=True)
class ElasticNet(Proximal, Convertible):
    """``l1 * sum |w| + l2 * 1/2 * sum w^2``: exact zeros as L1 has them, shared among correlated inputs as L2 does.

    Args:
        l1: Multiplies the sum of absolute values, in [0, inf).
        l2: Multiplies half the sum of squares, in [0, inf).
        scope: The weights it touches.

    Reference: Zou and Hastie 2005, "Regularization and variable selection via the elastic net".
    """

    separable: ClassVar[bool] = True
    l1: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    l2: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]
    scope: Scope = "matrices"
    states: ClassVar[Mapping[str, str]] = {"l1": "l1", "l2": "l2"}

    def value(self, weights: Sequence[Tensor]) -> Tensor:
        """``l1 * sum |w| + l2 / 2 * sum w^2``."""
        absolute = torch.stack([weight.abs().sum() for weight in weights]).sum()
        squares = torch.stack([weight.square().sum() for weight in weights]).sum()
        return self.l1 * absolute + self.l2 / 2 * squares

    def gradient(self, weights: Sequence[Tensor]) -> list[Tensor]:
        """``l1 * sign(w) + l2 * w``."""
        return [self.l1 * weight.sign() + self.l2 * weight for weight in weights]

    def shrink(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> None:
        """The same in place."""
        for weight, step in zip(weights, steps, strict=True):
            soften(weight, self.l1 * step)
        first, step = weights[0], steps[0]
        alike = first.device.type == "cpu" and all(weight.dtype == first.dtype for weight in weights)
        if alike and not isinstance(step, Tensor) and set(steps) == {step}:  # in one call, by one scalar for all
            torch._foreach_mul_(list(weights), torch.scalar_tensor(1 / (1 + self.l2 * step), dtype=first.dtype))
        else:
            for weight, step in zip(weights, steps, strict=True):
                weight.div_(1 + self.l2 * step)

    def strength_max(self, gradients: Sequence[Tensor]) -> float:
        """``max |g|``."""
        return max(float(gradient.abs().max()) for gradient in gradients)

    def prox(self, weights: Sequence[Tensor], steps: Sequence[Tensor | float]) -> list[Tensor]:
        """Soft thresholding at ``step * l1``, then division by ``1 + step * l2``."""
        return [
            soft(weight, self.l1 * step) / (1 + self.l2 * step) for weight, step in zip(weights, steps, strict=True)
        ]
