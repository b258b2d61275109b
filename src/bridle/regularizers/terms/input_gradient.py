"""A penalty on the network's sensitivity to its inputs."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, final

import torch
from torch import Tensor

from bridle.core import Draws, Forward, LossTerm, Range


@final
@dataclass(frozen=True)
class InputGradient(LossTerm):
    """``strength * mean over examples of 1/2 * ||J||_F^2``, J = d output / d input: small changes do little.

    Estimated without bias as ``C * ||v^T J||^2``, one random unit vector v of the output's C numbers per example and
    step; for one number it is exact. It costs a second backward pass. Columns of codes are no numbers, and have no
    gradient; under batch normalisation the other examples of the batch take part in an example's gradient.

    Args:
        strength: Multiplies half the squared Frobenius norm of an example's Jacobian, in [0, inf).

    Reference: Hoffman, Roberts and Yaida 2019, "Robust learning with Jacobian regularization"; Drucker and LeCun 1992,
        "Improving generalization performance using double backpropagation".
    """

    needs_input_gradient: ClassVar[bool] = True
    strength: Annotated[float, Range(0.0, search=(1e-4, 1e-1), log=True)]

    def refuses(self, seen: Forward) -> str:
        """An output that does not depend on the inputs by way of numbers."""
        slope = self._slope(seen, torch.ones_like(seen.output)) if seen.inputs.numel() else None
        if slope is not None:
            return ""
        return "needs numbers as inputs, on which the output depends; the network has none. Leave it out of the recipe"

    def per_example(self, seen: Forward, draws: Draws) -> Tensor:
        """``strength / 2 * C * ||v^T J||^2`` of each example."""
        flat = seen.output.flatten(1)
        source = draws.generator(self.key, flat.device)
        ways = torch.empty(flat.shape, device=flat.device).normal_(generator=source).to(flat.dtype)
        ways = ways / torch.linalg.vector_norm(ways, dim=1, keepdim=True)
        slope = self._slope(seen, ways.reshape(seen.output.shape))
        assert slope is not None  # noqa: S101 - refused at the first batch
        return self.strength / 2 * flat.shape[1] * slope.flatten(1).square().sum(1)

    def _slope(self, seen: Forward, ways: Tensor) -> Tensor | None:
        """The gradient of ``sum v * output`` with respect to the inputs, differentiable again."""
        if not seen.output.requires_grad:
            return None
        (slope,) = torch.autograd.grad(seen.output, seen.inputs, ways, create_graph=True, allow_unused=True)
        return slope
