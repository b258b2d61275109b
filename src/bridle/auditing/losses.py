"""What goes backward: its graph, the constant factor in front of it, and the weight of the data loss in it."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.nn import functional
from torch.overrides import TorchFunctionMode

LOSSES = {
    getattr(functional, name)
    for name in (
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "huber_loss",
        "l1_loss",
        "mse_loss",
        "nll_loss",
        "smooth_l1_loss",
    )
}

SUMS = 4
"""Sums within sums, such as of several losses and penalties, whose common constant is looked for."""


class LossWeights(TorchFunctionMode):
    """Notes the gradient that reaches each of torch's loss functions, as the weight of a mean over examples.

    Args:
        found: Takes the weights, as scalars.
    """

    def __init__(self, found: list[Tensor]) -> None:
        super().__init__()
        self._found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function; a loss among them is noted."""
        loss = func(*args, **(kwargs or {}))  # without this mode: a loss within a loss is not noted
        if func in LOSSES and isinstance(loss, Tensor) and loss.requires_grad and not loss.is_leaf:
            rows = len(args[0]) if (kwargs or {}).get("reduction") == "sum" and args else 1
            loss.register_hook(lambda gradient: self._found.append(gradient.detach().sum() * rows))
        return loss


def root_factor(loss: Any) -> float:
    """The constant that everything in ``loss`` is multiplied by: 0.25 of ``(data + penalty) / 4``, or of both apart."""
    return _factors(getattr(loss, "grad_fn", None))[-1]


def _factors(node: Any, sums: int = SUMS) -> list[float]:
    """The products of the first constants, from none to all, that all of a value is multiplied by."""
    if type(node).__name__ == "AddBackward0" and node._saved_alpha == 1 and sums:
        one, other = (_factors(inner, sums - 1) for inner, _ in node.next_functions)
        return [factor for factor in one if any(math.isclose(factor, known) for known in other)]
    if type(node).__name__ not in ("MulBackward0", "DivBackward0"):
        return [1.0]
    places = [place for place, (inner, _) in enumerate(node.next_functions) if inner is not None]
    number = _number(node._saved_self if places == [1] else node._saved_other)
    if len(places) != 1 or number is None:
        return [1.0]
    factor = number if type(node).__name__ == "MulBackward0" else 1.0 / number
    return [1.0, *(factor * inner for inner in _factors(node.next_functions[places[0]][0], sums))]


def _number(value: Any) -> float | None:
    if isinstance(value, Tensor):
        return value.item() if value.numel() == 1 else None
    return float(value) if isinstance(value, int | float) else None


def first_loss(given: Any) -> Tensor | None:
    """The tensor that a backward pass starts from."""
    if isinstance(given, torch.Tensor):
        return given
    return next((item for item in given if isinstance(item, torch.Tensor)), None) if given else None


def graph_of(outputs: Iterable[Any], known: Callable[[Any], bool] = lambda _: False) -> Iterator[Any]:
    """The operations that made tensors (or gradient edges), less those that are known and theirs, each once."""
    waiting, seen = [given.node if isinstance(given, GradientEdge) else given.grad_fn for given in outputs], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen and not known(node):
            seen.add(node)
            yield node
            waiting.extend(inner for inner, _ in node.next_functions)


def within_backward() -> bool:
    """Whether a backward pass is running: gradient checkpointing calls modules, and backward, once more in it."""
    return bool(torch._C._current_graph_task_id() != -1)
