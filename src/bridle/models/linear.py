"""Logistic and linear regression: the floor that a network must beat."""

import math
from typing import final

from torch import Tensor, nn

from bridle.models.codes import Codes
from bridle.models.inputs import Inputs
from bridle.records import Kind


@final
class LinearModel(nn.Module):
    """``output = bias + weight . numbers + one weight per category``; an image counts as one row of numbers.

    The weights of the categories are an embedding as wide as the output, which is what one-hot columns would give. All
    weights start at zero: the problem is convex.

    Args:
        inputs: What the model is told about its inputs.
    """

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.width = math.prod(inputs.shape) if inputs.kind is Kind.IMAGE else inputs.numbers
        self.numbers = nn.Linear(self.width, inputs.outputs)
        self.codes = Codes(inputs.cardinalities, inputs.outputs) if inputs.cardinalities else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start from zero."""
        for weight in self.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(B, outputs)`` from examples ``(B, ...)``."""
        x = x.flatten(1)
        output: Tensor = self.numbers(x[:, : self.width])
        if self.codes is not None:
            output = output + self.codes(x[:, self.width :]).sum(dim=1)
        return output


def linear(inputs: Inputs) -> nn.Module:
    """Logistic regression (classes) or linear regression (a number)."""
    return LinearModel(inputs)
