"""The tensors of many members as stacks: what is ``(...)`` for one is ``(M, ...)`` here.

The weights of linear layers are stored ``(M, in, out)``: their products and gradients are then contiguous, which is a
fifth faster. Everybody else sees them as the model declares them, through a transposed view. Each member's numbers are
filled up to whole vectors: otherwise the last ones of a stack would be computed by other instructions, to other last
bits.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

import torch
from torch import Tensor, nn

Tensors: TypeAlias = dict[str, Tensor]
_Change: TypeAlias = Callable[[Tensor], Tensor]

ALIGNED = 64
"""Numbers that fill vectors of every length, also where a loop takes four at a time."""


def stored_transposed(model: nn.Module) -> frozenset[str]:
    """The names of the weights that are used by plain linear layers and by nothing else."""
    users: dict[Tensor, set[type[nn.Module]]] = {}
    for module in model.modules():
        for weight in module._parameters.values():
            if weight is not None:
                users.setdefault(weight, set()).add(type(module))
    linear = {nn.Linear}
    return frozenset(
        name for name, weight in model.named_parameters() if weight.ndim == 2 and users.get(weight, set()) == linear
    )


@final
class Stack:
    """All that members carry from step to step, part by part: weights, buffers, moments, averages.

    Args:
        flat: For each part its tensors by name, ``(M, numbers)`` each, filled up with zeros to whole vectors;
            buffers are not.
        shapes: Their shapes for one member as they are stored.
        transposed: The names of the weights that are stored with their two dimensions exchanged, in every part.

    Attributes:
        parts: The same tensors in their shapes ``(M, ...)``, as they are stored; views.
    """

    def __init__(
        self,
        flat: Mapping[str, Tensors],
        shapes: Mapping[str, Mapping[str, torch.Size]],
        transposed: frozenset[str],
    ) -> None:
        self.flat, self._shapes, self.transposed = dict(flat), shapes, transposed
        self.parts = {
            part: {name: _shaped(tensor, shapes[part][name]) for name, tensor in tensors.items()}
            for part, tensors in flat.items()
        }

    @classmethod
    def of(cls, members: Sequence[Mapping[str, Mapping[str, Tensor]]], transposed: frozenset[str]) -> "Stack":
        """The stack of members that are given part by part, in the layout of the model."""
        flat: dict[str, Tensors] = {}
        shapes: dict[str, dict[str, torch.Size]] = {}
        for part, tensors in members[0].items():
            stored = {
                name: torch.stack([_stored(name, member[part][name], transposed) for member in members])
                for name in tensors
            }
            shapes[part] = {name: tensor.shape[1:] for name, tensor in stored.items()}
            align = _rows if part == "buffers" else aligned  # torch updates only buffers without gaps in place
            flat[part] = {name: align(tensor) for name, tensor in stored.items()}
        return cls(flat, shapes, transposed)

    def __len__(self) -> int:
        """The number of rows, M."""
        return next(len(tensor) for part in self.flat.values() for tensor in part.values())

    def member(self, row: int) -> dict[str, Tensors]:
        """What one member carries, in the layout of the model; copies."""
        return {
            part: {name: self._shown(name, tensor[row]).clone() for name, tensor in tensors.items()}
            for part, tensors in self.parts.items()
        }

    def shown(self, part: str) -> Tensors:
        """Views of a part in the layout of the model."""
        return {name: self._shown(name, tensor) for name, tensor in self.parts[part].items()}

    def shown_as(self, part: str, flat: Tensors) -> Tensors:
        """Views of other flat tensors of a part's names and shapes, in the layout of the model."""
        shapes = self._shapes[part]
        return {name: self._shown(name, _shaped(tensor, shapes[name])) for name, tensor in flat.items()}

    def take(self, rows: Sequence[int]) -> "Stack":
        """A copy of some rows, in that order; a row may be asked twice."""
        index = torch.tensor(rows)
        return self._mapped(lambda tensor: tensor.index_select(0, index.to(tensor.device)))

    def view(self, start: int, end: int) -> "Stack":
        """The rows from ``start`` to ``end``, sharing memory."""
        return self if (start, end) == (0, len(self)) else self._mapped(lambda tensor: tensor[start:end])

    def put(self, start: int, other: "Stack", count: int) -> None:
        """Copy the first ``count`` rows of another stack to the rows from ``start`` on."""
        for part, tensors in self.flat.items():
            for name, tensor in tensors.items():
                tensor[start : start + count].copy_(other.flat[part][name][:count])

    @staticmethod
    def joined(stacks: "Sequence[Stack]") -> "Stack":
        """Several stacks of the same parts as one."""
        first = stacks[0]
        flat = {
            part: {name: torch.cat([stack.flat[part][name] for stack in stacks]) for name in tensors}
            for part, tensors in first.flat.items()
        }
        return Stack(flat, first._shapes, first.transposed)

    def _shown(self, name: str, tensor: Tensor) -> Tensor:
        return tensor.transpose(-1, -2) if is_stored_transposed(name, self.transposed) else tensor

    def _mapped(self, change: _Change) -> "Stack":
        flat = {part: {name: change(tensor) for name, tensor in own.items()} for part, own in self.flat.items()}
        return Stack(flat, self._shapes, self.transposed)


def aligned(tensor: Tensor) -> Tensor:
    """``(M, ...)`` as ``(M, numbers)``, each row filled up with zeros to whole vectors."""
    rows = _rows(tensor)
    extra = -rows.shape[1] % ALIGNED
    return nn.functional.pad(rows, (0, extra)) if extra else rows


def _rows(tensor: Tensor) -> Tensor:
    return tensor.reshape(len(tensor), -1)


def is_stored_transposed(name: str, transposed: frozenset[str]) -> bool:
    """Whether a tensor of that name is: a weight, or under a prefix what is kept for it, such as its average."""
    return name in transposed or name.partition(".")[2] in transposed


def _shaped(tensor: Tensor, shape: torch.Size) -> Tensor:
    count = math.prod(shape)
    return tensor[:, :count].unflatten(1, shape) if shape else tensor[:, 0]


def _stored(name: str, tensor: Tensor, transposed: frozenset[str]) -> Tensor:
    tensor = tensor.detach()
    return tensor.transpose(0, 1) if is_stored_transposed(name, transposed) else tensor
