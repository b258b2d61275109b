"""Category codes of several columns as rows of one common table."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn


@final
class Codes(nn.Module):
    """``(B, columns)`` codes as whole floats to ``(B, columns)`` int64 rows of a table that all columns share.

    Args:
        cardinalities: The number of codes of each column.
    """

    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int]) -> None:
        super().__init__()
        self.rows = sum(cardinalities)
        starts = torch.tensor([0, *cardinalities])[:-1].cumsum(0)
        self.register_buffer("offsets", starts, persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """The row of each code."""
        return codes.long() + self.offsets
