"""Embeddings of category codes: one table for all columns."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn


@final
class Codes(nn.Module):
    """``(B, columns)`` codes as whole floats to ``(B, columns, width)``, one row of a common table per column and code.

    Args:
        cardinalities: The number of codes of each column.
        width: The width of every embedding.
    """

    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int], width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(cardinalities), width)
        starts = torch.tensor([0, *cardinalities[:-1]]).cumsum(0)
        self.register_buffer("offsets", starts, persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Embeddings ``(B, columns, width)``."""
        rows: Tensor = self.table(codes.long() + self.offsets)
        return rows
