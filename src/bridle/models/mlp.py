"""A residual multilayer perceptron for tables, with embeddings for categories and for numbers."""

import math
from typing import final

import torch
from torch import Tensor, nn

from bridle.core import Place
from bridle.models.codes import Codes
from bridle.models.inputs import Inputs


@final
class Waves(nn.Module):
    """Each number ``x_f`` to ``[x_f, relu(A_f cos(2 pi (w_f x_f + b_f)) + c_f)]``: a periodic embedding of numbers.

    Its weights are held by embedding modules, one row per feature, so that a penalty on matrices leaves them alone.

    Args:
        features: The number of numeric columns.
        frequencies: How many frequencies each feature has.
        width: How many learned numbers each feature gets beside its own value.
        scale: The standard deviation of the initial frequencies.

    References:
        Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning"; Holzmueller et al. 2024,
        "Better by Default" (RealMLP).
    """

    def __init__(self, features: int, frequencies: int, width: int, scale: float) -> None:
        super().__init__()
        self.features, self.scale, self.width = features, scale, width
        self.frequencies = nn.Embedding(features, frequencies)
        self.phases = nn.Embedding(features, frequencies)
        self.mixing = nn.Embedding(features, frequencies * width)
        self.shifts = nn.Embedding(features, width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Frequencies from a normal distribution, phases over one period, mixing weights as a linear layer has them."""
        bound = 1.0 / math.sqrt(self.frequencies.embedding_dim)
        nn.init.normal_(self.frequencies.weight, std=self.scale)
        nn.init.uniform_(self.phases.weight, -0.5, 0.5)
        nn.init.uniform_(self.mixing.weight, -bound, bound)
        nn.init.uniform_(self.shifts.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, features)`` to ``(B, features * (width + 1))``."""
        waves = torch.cos(2 * math.pi * (x[:, :, None] * self.frequencies.weight + self.phases.weight))
        mixing = self.mixing.weight.unflatten(1, (-1, self.width))
        mixed = torch.einsum("bfk,fkd->bfd", waves, mixing) + self.shifts.weight
        return torch.cat([x, torch.relu(mixed).flatten(1)], dim=1)


@final
class Block(nn.Module):
    """``x + W2 place(relu(W1 norm(x)))``."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.place = Place()
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width)`` to ``(B, width)``."""
        x_out: Tensor = x + self.down(self.place(torch.relu(self.up(self.norm(x)))))
        return x_out


@final
class ResidualMLP(nn.Module):
    """Embeddings, a first linear layer, residual blocks, a head."""

    def __init__(
        self, inputs: Inputs, width: int, depth: int, code_width: int, frequencies: int, number_width: int, scale: float
    ) -> None:
        super().__init__()
        self.continuous, self.numbers = inputs.continuous, inputs.numbers
        self.waves = Waves(inputs.continuous, frequencies, number_width, scale) if inputs.continuous else None
        self.codes = Codes(inputs.cardinalities)
        self.table = nn.Embedding(self.codes.rows, code_width) if inputs.cardinalities else None
        columns = inputs.continuous * (number_width + 1) + inputs.indicators + len(inputs.cardinalities) * code_width
        self.first = nn.Linear(columns, width)
        self.blocks = nn.Sequential(*(Block(width, width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.place = Place()
        self.head = nn.Linear(width, inputs.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(B, outputs)`` from rows ``(B, columns)``."""
        parts = [x[:, self.continuous : self.numbers]]
        if self.waves is not None:
            parts.append(self.waves(x[:, : self.continuous]))
        if self.table is not None:
            parts.append(self.table(self.codes(x[:, self.numbers :])).flatten(1))
        hidden = self.blocks(self.first(torch.cat(parts, dim=1)))
        output: Tensor = self.head(self.place(torch.relu(self.norm(hidden))))
        return output


def mlp(
    inputs: Inputs,
    *,
    width: int = 128,
    depth: int = 2,
    code_width: int = 8,
    frequencies: int = 16,
    number_width: int = 4,
    scale: float = 0.1,
) -> nn.Module:
    """A residual MLP for tables.

    Args:
        inputs: What the model is told about its inputs.
        width: The width of the hidden layers.
        depth: The number of residual blocks.
        code_width: The width of a category's embedding.
        frequencies: How many waves a numeric column is seen through.
        number_width: The width of a numeric column's embedding, beside the number itself.
        scale: The standard deviation of the initial frequencies, for standardised numbers.
    """
    return ResidualMLP(inputs, width, depth, code_width, frequencies, number_width, scale)
