"""Logistic and linear regression: the floor that a network must beat."""

import math
from typing import final

import torch
from torch import Tensor, nn

from bridle.models.codes import Codes
from bridle.models.inputs import Inputs
from bridle.records import Kind


@final
class LinearModel(nn.Module):
    """``output = bias + weight . [numbers, one-hot categories]``; an image counts as one row of numbers.

    All weights start at zero: the problem is convex.

    Args:
        inputs: What the model is told about its inputs.
    """

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.numbers = math.prod(inputs.shape) if inputs.kind is Kind.IMAGE else inputs.numbers
        self.codes = Codes(inputs.cardinalities)
        self.head = nn.Linear(self.numbers + self.codes.rows, inputs.outputs)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start from zero."""
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(B, outputs)`` from examples ``(B, ...)``."""
        x = x.flatten(1)
        rows = self.codes(x[:, self.numbers :])
        ones = x.new_zeros(len(x), self.codes.rows).scatter(1, rows, 1.0)
        output: Tensor = self.head(torch.cat([x[:, : self.numbers], ones], dim=1))
        return output


def linear(inputs: Inputs) -> nn.Module:
    """Logistic regression (classes) or linear regression (a number)."""
    return LinearModel(inputs)
