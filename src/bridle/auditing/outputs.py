"""Hooks on the modules of a model: silence what flows back into their outputs, record outputs, replay them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from bridle.auditing.losses import within_backward
from bridle.auditing.trace import Plan, Trace

HOOK = {"prepend": True, "with_kwargs": True, "always_call": True}
"""A recomputed forward pass is left by an exception once it has what it needs."""


def over(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """``value`` with every tensor in it changed; tuples, lists and mappings are built anew."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        changed = {key: over(item, change) for key, item in value.items()}
        return changed if type(value) is dict else type(value)(**changed)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(over(item, change) for item in value))
    return type(value)(over(item, change) for item in value) if isinstance(value, list | tuple) else value


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor in a value."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from (found for item in value.values() for found in tensors(item))
    elif isinstance(value, list | tuple):
        yield from (found for item in value for found in tensors(item))


def watched(model: nn.Module) -> list[nn.Module]:
    """The modules whose outputs are activations: those of parametrizations are weights."""
    weights = {
        inner for module in model.modules() if isinstance(module, ParametrizationList) for inner in module.modules()
    }
    return [module for module in model.modules() if module not in weights]


class Outputs:
    """Hooks for one run, on until :meth:`remove`.

    Args:
        model: The model.
        plan: What the run does differently.
        trace: Takes what is recorded.
    """

    def __init__(self, model: nn.Module, plan: Plan, trace: Trace) -> None:
        self._plan, self._trace, self._depth = plan, trace, 0
        self._kind, held = plan.replay or ("", [])
        self._held = iter(held)
        self._hooks: list[Any] = []
        for module in watched(model):
            self._hooks.append(module.register_forward_pre_hook(self._enter))
            self._hooks.append(module.register_forward_hook(self._leave, **HOOK))

    def remove(self) -> None:
        """Take the hooks off."""
        for hook in self._hooks:
            hook.remove()

    def _enter(self, *_: Any) -> None:
        self._depth += 1

    def _leave(self, _: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        self._depth -= 1
        outermost = self._depth == 0
        again = within_backward()  # the graph must come out as it was
        self._trace.calls += outermost and not again
        first = not self._trace.evaluations  # later ones are at other weights, and there may be more or fewer of them
        if first and not again and (self._plan.record == "all" or (outermost and self._plan.record)):
            self._trace.outputs.append(over(output, lambda tensor: tensor.detach().clone()))
        if first and (self._kind == "all" or (outermost and self._kind)):
            live, held = tensors(output), over(output, Tensor.detach) if again else next(self._held, None)
            output = output if held is None else over(held, lambda tensor: _in_place_of(next(live, None), tensor))
        if self._plan.halve and outermost:
            output = over(output, lambda tensor: tensor * 0.5 if tensor.is_floating_point() else tensor)
        if self._plan.silent and next(tensors((args, kwargs)), None) is not None:
            for tensor in tensors(output):
                if tensor.requires_grad and not tensor.is_leaf:
                    tensor.register_hook(torch.zeros_like)
        return output


def _in_place_of(live: Tensor | None, held: Tensor) -> Tensor:
    """Recorded values, with the graph of the present ones, through which a gradient of zeros goes back."""
    if live is None or live.shape != held.shape or not live.requires_grad:
        return held.clone()
    return torch.where(torch.ones_like(held, dtype=torch.bool), held, live)
