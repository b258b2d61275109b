"""Some members of a stack: those that a regularizer acts on."""

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor


@final
class Rows:
    """Rows of stacks, read and written together; views where they lie side by side, copies where not.

    A single row is read as two equal ones, of which one is written back: with one member alone torch takes other
    kernels, and other last bits.

    Args:
        rows: The row numbers, ascending.
        of: How many rows the stacks have.
    """

    def __init__(self, rows: Sequence[int], of: int) -> None:
        self.count = len(rows)
        self._all = self.count == of > 1
        side_by_side = rows[-1] - rows[0] + 1 == self.count > 1
        self._span = slice(rows[0], rows[-1] + 1) if side_by_side else None
        self._index = torch.tensor(rows)
        self._read = self._index if self.count > 1 else self._index.repeat(2)

    def of(self, tensor: Tensor) -> Tensor:
        """The rows of a stack."""
        if self._all:
            return tensor
        return tensor[self._span] if self._span else select(tensor, self._read)

    def add(self, tensor: Tensor, values: Tensor) -> None:
        """Add to the rows of a stack, in place."""
        if self._span or self._all:
            self.of(tensor).add_(values)
        else:
            tensor.index_add_(0, self._index.to(tensor.device), values[: self.count])

    def write(self, tensor: Tensor, values: Tensor) -> None:
        """Replace the rows of a stack, in place."""
        if self._span or self._all:
            self.of(tensor).copy_(values)
        else:
            tensor.index_copy_(0, self._index.to(tensor.device), values[: self.count])

    def stacked(self, values: Sequence[Any], like: Tensor) -> Tensor:
        """Numbers, one for each row, as a tensor of the stack's kind; whole numbers as int64."""
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
        numbers = list(values) * (2 if self.count == 1 else 1)
        return torch.tensor(numbers, dtype=torch.int64 if whole else like.dtype, device=like.device)


def select(tensor: Tensor, index: Tensor) -> Tensor:
    """Rows of a stack, copied in the order of memory: the last bits of sums and products depend on that, too."""
    strides = tensor.stride()
    order = [0, *sorted(range(1, tensor.ndim), key=lambda dim: -strides[dim])]
    back = [order.index(dim) for dim in range(tensor.ndim)]
    return tensor.permute(order).index_select(0, index.to(tensor.device)).permute(back)


def for_each(function: Callable[..., Any], *stacks: Any) -> Any:
    """``function`` of one member, called on all members of the stacks at once."""
    return torch.vmap(function)(*stacks)
