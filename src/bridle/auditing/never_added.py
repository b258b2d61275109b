"""Penalties that were computed and kept somewhere, and that no backward pass went through."""

import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from bridle.auditing.losses import graph_of
from bridle.auditing.patches import replaced
from bridle.auditing.reach import MANY
from bridle.auditing.witnessed import Unfelt

STEPS = 8
"""Steps of optimizers during which backward passes are followed: until each optimizer of a training has stepped."""
FOREIGN = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")} | {str(Path(__file__).parents[1])}
)
"""Code below these folders is not the user's."""


@final
class NeverAdded:
    """Follows the first steps of a training: numbers that hang on weights, against the graphs that went backward.

    A number counts as kept if a module holds it, or a variable of the running code of the user's, at the end of an
    optimizer's first step: by itself, or in a list or mapping.

    Args:
        models: Gives the models that are trained.
    """

    def __init__(self, models: Callable[[], Iterable[nn.Module]]) -> None:
        self._models = models
        self._executed: set[Node] = set()
        self._kept: list[_Kept] = []
        self._known: list[Optimizer] = []
        self._steps = 0

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Follow what goes backward and what steps in here."""
        autograd: Any = torch.autograd
        run = autograd._engine_run_backward  # what backward() and grad() both call

        def followed(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if self._steps < STEPS:
                self._executed.update(list(graph_of(outputs, self._executed)))
            return run(outputs, *args, **kwargs)

        hook = register_optimizer_step_post_hook(self._stepped)
        try:
            with replaced(autograd, "_engine_run_backward", followed):
                yield
        finally:
            hook.remove()

    def found(self) -> Iterator[Unfelt]:
        """What no backward pass has gone through, by what keeps it."""
        reported: set[Tensor] = set()
        names = {weight: name for model in self._models() for name, weight in model.named_parameters()}
        for kept in self._kept:
            left = [one for one in kept.numbers if one.grad_fn not in self._executed and one not in reported]
            graph = set(graph_of(left))
            leaves = {node.variable for node in graph if hasattr(node, "variable")}
            value = sum(float(number.detach()) for number in left)
            if value and leaves & kept.weights:
                reported.update(left)
                weights = tuple(sorted(names[leaf] for leaf in leaves if leaf in names))
                of_data = any(not hasattr(node, "variable") for node in graph & self._executed)
                yield Unfelt(tuple(kept.names), kept.listed, len(left), value, weights, of_data)

    def _stepped(self, optimizer: Optimizer, *_: Any) -> None:
        self._steps += 1
        if self._steps > STEPS or any(known is optimizer for known in self._known):
            return
        self._known.append(optimizer)
        weights = {weight for group in optimizer.param_groups for weight in group["params"]}
        places: dict[str, _Kept] = {}
        for key, name, value in (*self._of_modules(), *_of_frames()):
            left = [number for number in _numbers(value) if number.grad_fn not in self._executed]
            if left:
                place = places.setdefault(key, _Kept(not isinstance(value, Tensor), weights))
                place.names.append(name)
                place.numbers.extend(left)
        self._kept.extend(places.values())

    def _of_modules(self) -> Iterator[tuple[str, str, Any]]:
        """The attributes of all modules; those of one name belong together."""
        for model in self._models():
            for prefix, module in model.named_modules():
                where = f"model.{prefix}" if prefix else "model"
                yield from ((f"model.{name}", f"{where}.{name}", value) for name, value in vars(module).items())


@dataclass(frozen=True)
class _Kept:
    """Numbers that are kept: by what, in a list or each by itself, and the weights that the optimizer moves."""

    listed: bool
    weights: set[Tensor]
    names: list[str] = field(default_factory=list)
    numbers: list[Tensor] = field(default_factory=list)


def _of_frames() -> Iterator[tuple[str, str, Any]]:
    """The variables that the user's running functions can see, and the attributes of their objects."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(FOREIGN):
            yield from ((name, name, value) for name, value in {**frame.f_globals, **frame.f_locals}.items())
            owner = frame.f_locals.get("self")
            if not isinstance(owner, nn.Module):
                held = getattr(owner, "__dict__", {}).items()
                yield from ((f"self.{name}", f"self.{name}", value) for name, value in held)
        frame = frame.f_back


def _numbers(value: Any) -> list[Tensor]:
    """The single numbers with a graph that a variable is, or that a list or mapping holds."""
    if isinstance(value, list | tuple | deque | dict):
        items = list(value.values() if isinstance(value, dict) else value) if len(value) <= MANY else []
    else:
        items = [value]
    return [item for item in items if isinstance(item, Tensor) and item.grad_fn is not None and item.numel() == 1]
