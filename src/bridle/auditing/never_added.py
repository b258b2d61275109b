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
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from bridle.auditing.losses import graph_of, within_backward
from bridle.auditing.patches import replaced
from bridle.auditing.reach import MANY
from bridle.auditing.witnessed import Unfelt

STEPS = 8
"""Steps of optimizers after which what is kept is judged: until then each optimizer of a training has stepped."""
WENT = "bridle: went backward"
"""Marks an operation in its own metadata: a reference to it would keep its graph, and what that holds of weights."""
FOREIGN = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")} | {str(Path(__file__).parents[1])}
)
"""Code below these folders is not the user's."""


@final
class NeverAdded:
    """Follows the first steps of a training: numbers that hang on weights, against the graphs that went backward.

    A number counts as kept if a module holds it, or a variable of the running code of the user's, at the end of an
    optimizer's first step: by itself, or in a list or mapping. Where one went into no backward pass, later steps are
    followed, too: what the same place keeps may be added after a warm-up. What modules keep that a checkpoint called
    once more, within a backward pass, are copies that never go backward.

    Args:
        models: Gives the models that are trained.
    """

    def __init__(self, models: Callable[[], Iterable[nn.Module]]) -> None:
        self._models = models
        self._kept: list[_Kept] = []
        self._suspected: list[tuple[_Kept, Unfelt]] = []
        self._known: list[Optimizer] = []
        self._recomputed: WeakSet[nn.Module] = WeakSet()
        self._steps = 0

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Follow what goes backward and what steps in here."""
        autograd: Any = torch.autograd
        run = autograd._engine_run_backward  # what backward() and grad() both call

        def followed(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if self._steps < STEPS or self._suspected:
                for node in graph_of(outputs, went_backward):
                    node.metadata[WENT] = True
            return run(outputs, *args, **kwargs)

        hooks = register_optimizer_step_post_hook(self._stepped), register_module_forward_pre_hook(self._called)
        try:
            with replaced(autograd, "_engine_run_backward", followed):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    def _called(self, module: nn.Module, _: Any) -> None:
        if within_backward():
            self._recomputed.add(module)

    def found(self) -> Iterator[Unfelt]:
        """What no backward pass has gone through, by what keeps it."""
        self._judge()
        yield from (one for _, one in self._suspected)

    def _judge(self) -> None:
        """Suspect what is kept and has not gone backward; let go of the rest, and of all graphs."""
        reported: set[Tensor] = set()
        names = {weight: name for model in self._models() for name, weight in model.named_parameters()}
        for kept in self._kept:
            left = [one for one in kept.numbers if not went_backward(one.grad_fn) and one not in reported]
            graph = list(graph_of(left))
            leaves = {node.variable for node in graph if hasattr(node, "variable")}
            value = sum(float(number.detach()) for number in left)
            if value and leaves & kept.weights:
                reported.update(left)
                weights = tuple(sorted(names[leaf] for leaf in leaves if leaf in names))
                of_data = any(went_backward(node) and not hasattr(node, "variable") for node in graph)
                self._suspected.append(
                    (kept, Unfelt(tuple(kept.names), kept.listed, len(left), value, weights, of_data))
                )
            kept.numbers.clear()
        self._kept.clear()

    def _stepped(self, optimizer: Optimizer, *_: Any) -> None:
        self._steps += 1
        if self._steps <= STEPS and not any(known is optimizer for known in self._known):
            self._known.append(optimizer)
            self._keep(optimizer)
        elif self._kept or self._suspected:
            self._acquit(optimizer)
        if self._steps == STEPS:
            self._judge()

    def _acquit(self, optimizer: Optimizer) -> None:
        """Drop the places that keep only what went backward by now, at a later step of their optimizer."""
        places: dict[str, list[bool]] = {}
        for key, _, value in self._places():
            places.setdefault(key, []).extend(went_backward(number.grad_fn) for number in _numbers(value))
        felt = {key for key, went in places.items() if went and all(went)}
        self._kept = [one for one in self._kept if one.optimizer is not optimizer or one.key not in felt]
        self._suspected = [
            (kept, one) for kept, one in self._suspected if kept.optimizer is not optimizer or kept.key not in felt
        ]

    def _keep(self, optimizer: Optimizer) -> None:
        places: dict[str, _Kept] = {}
        for key, name, value in self._places():
            left = [number for number in _numbers(value) if not went_backward(number.grad_fn)]
            if left:
                place = places.setdefault(key, _Kept(key, optimizer, not isinstance(value, Tensor)))
                place.names.append(name)
                place.numbers.extend(left)
        self._kept.extend(places.values())

    def _places(self) -> Iterator[tuple[str, str, Any]]:
        yield from self._of_modules()
        yield from _of_frames()

    def _of_modules(self) -> Iterator[tuple[str, str, Any]]:
        """The attributes of all modules; those of one name belong together."""
        for model in self._models():
            for prefix, module in model.named_modules():
                if module in self._recomputed:
                    continue
                where = f"model.{prefix}" if prefix else "model"
                yield from ((f"model.{name}", f"{where}.{name}", value) for name, value in vars(module).items())


@dataclass(frozen=True)
class _Kept:
    """Numbers that are kept when an optimizer steps: by what, in a list or each by itself."""

    key: str
    optimizer: Optimizer
    listed: bool
    names: list[str] = field(default_factory=list)
    numbers: list[Tensor] = field(default_factory=list)

    @property
    def weights(self) -> set[Tensor]:
        """The weights that the optimizer moves."""
        return {weight for group in self.optimizer.param_groups for weight in group["params"]}


def went_backward(node: Any) -> bool:
    """Whether a backward pass that was followed went through an operation."""
    return node is not None and WENT in node.metadata


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
