"""A multilayer perceptron with a linear skip from the inputs to the outputs: the network of the hierarchical lasso."""

import itertools
import math
from typing import final

import torch
from torch import Tensor, nn

from bridle.core import Place
from bridle.models.codes import Codes
from bridle.models.inputs import Inputs
from bridle.records import Kind


@final
class SkipMLP(nn.Module):
    """``output = skip x + head place(relu(first x))`` with x = [numbers, one-hot categories]; an image is one row.

    Both ``skip.weight`` (outputs, columns) and ``first.weight`` (width, columns) have a column for each input.

    Args:
        inputs: What the model is told about its inputs.
        width: The width of the hidden layer.

    Reference: Lemhadri et al. 2021, "LassoNet: a neural network with feature sparsity".
    """

    def __init__(self, inputs: Inputs, width: int) -> None:
        super().__init__()
        self.numbers = math.prod(inputs.shape) if inputs.kind is Kind.IMAGE else inputs.numbers
        self.codes = Codes(inputs.cardinalities)
        columns = self.numbers + self.codes.rows
        self.skip = nn.Linear(columns, inputs.outputs)
        self.first = nn.Linear(columns, width)
        self.place = Place()
        self.head = nn.Linear(width, inputs.outputs, bias=False)

    @property
    def features(self) -> tuple[int, ...]:
        """The number of the feature that each column belongs to, as ``HierarchicalLasso.features`` takes it."""
        starts = [*self.codes.offsets.tolist(), self.codes.rows]
        sizes = [end - start for start, end in itertools.pairwise(starts)]
        grouped = [number for number, size in enumerate(sizes, self.numbers) for _ in range(size)]
        return (*range(self.numbers), *grouped)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(B, outputs)`` from examples ``(B, ...)``."""
        x = x.flatten(1)
        if self.codes.rows:
            ones = x.new_zeros(len(x), self.codes.rows).scatter(1, self.codes(x[:, self.numbers :]), 1.0)
            x = torch.cat([x[:, : self.numbers], ones], dim=1)
        output: Tensor = self.skip(x) + self.head(self.place(torch.relu(self.first(x))))
        return output


def skip_mlp(inputs: Inputs, *, width: int = 100) -> nn.Module:
    """A multilayer perceptron of one hidden layer with a linear skip.

    Args:
        inputs: What the model is told about its inputs.
        width: The width of the hidden layer.
    """
    return SkipMLP(inputs, width)
