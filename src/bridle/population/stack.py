"""The tensors of many members as stacks: what is ``(...)`` for one is ``(M, ...)`` here.

The weights of linear layers are stored ``(M, in, out)``: their products and gradients are then contiguous, which is a
fifth faster. Everybody else sees them as the model declares them, through a transposed view.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

import torch
from torch import Tensor, nn

Tensors: TypeAlias = dict[str, Tensor]
_Change: TypeAlias = Callable[[Tensor], Tensor]


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
        parts: For each part its tensors by name, each ``(M, ...)``; those named in ``transposed`` are stored with the
            last two dimensions exchanged, in every part.
        transposed: The names of those weights.
    """

    def __init__(self, parts: Mapping[str, Tensors], transposed: frozenset[str]) -> None:
        self.parts, self.transposed = dict(parts), transposed

    @classmethod
    def of(cls, members: Sequence[Mapping[str, Mapping[str, Tensor]]], transposed: frozenset[str]) -> "Stack":
        """The stack of members that are given part by part, in the layout of the model."""
        parts = {
            part: {
                name: torch.stack([_stored(name, member[part][name], transposed) for member in members])
                for name in members[0][part]
            }
            for part in members[0]
        }
        return cls(parts, transposed)

    def __len__(self) -> int:
        """The number of rows, M."""
        return next(len(tensor) for part in self.parts.values() for tensor in part.values())

    def member(self, row: int) -> dict[str, Tensors]:
        """What one member carries, in the layout of the model; copies."""
        return {
            part: {name: self._shown(name, tensor[row]).clone() for name, tensor in tensors.items()}
            for part, tensors in self.parts.items()
        }

    def shown(self, part: str) -> Tensors:
        """Views of a part in the layout of the model."""
        return {name: self._shown(name, tensor) for name, tensor in self.parts[part].items()}

    def take(self, rows: Sequence[int]) -> "Stack":
        """A copy of some rows, in that order; a row may be asked twice."""
        index = torch.tensor(rows, device=self._device)
        return self._mapped(lambda tensor: tensor.index_select(0, index))

    def view(self, start: int, end: int) -> "Stack":
        """The rows from ``start`` to ``end``, sharing memory."""
        return self if (start, end) == (0, len(self)) else self._mapped(lambda tensor: tensor[start:end])

    def put(self, start: int, other: "Stack", count: int) -> None:
        """Copy the first ``count`` rows of another stack to the rows from ``start`` on."""
        for part, tensors in self.parts.items():
            for name, tensor in tensors.items():
                tensor[start : start + count].copy_(other.parts[part][name][:count])

    @staticmethod
    def joined(stacks: "Sequence[Stack]") -> "Stack":
        """Several stacks of the same parts as one."""
        first = stacks[0]
        return Stack(
            {
                part: {name: torch.cat([stack.parts[part][name] for stack in stacks]) for name in tensors}
                for part, tensors in first.parts.items()
            },
            first.transposed,
        )

    @property
    def _device(self) -> torch.device:
        return next(tensor.device for part in self.parts.values() for tensor in part.values())

    def _shown(self, name: str, tensor: Tensor) -> Tensor:
        return tensor.transpose(-1, -2) if is_stored_transposed(name, self.transposed) else tensor

    def _mapped(self, change: _Change) -> "Stack":
        parts = {
            part: {name: change(tensor) for name, tensor in tensors.items()} for part, tensors in self.parts.items()
        }
        return Stack(parts, self.transposed)


def _stored(name: str, tensor: Tensor, transposed: frozenset[str]) -> Tensor:
    tensor = tensor.detach()
    return tensor.transpose(0, 1) if is_stored_transposed(name, transposed) else tensor


def is_stored_transposed(name: str, transposed: frozenset[str]) -> bool:
    """Whether a tensor of that name is: a weight, or under a prefix what is kept for it, such as its average."""
    return name in transposed or name.partition(".")[2] in transposed
