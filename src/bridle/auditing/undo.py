"""Run things in place and put everything back, bit for bit and into the same objects."""

import io
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, final

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridle.auditing.keep import Restore, keep, keep_generator, keep_random_states
from bridle.auditing.reach import reached
from bridle.engine.handle import Handle
from bridle.engine.unwrapped import plain_optimizer

ALWAYS = (
    "Files, loggers and network connections that the step writes to keep what was written.",
    "Data loaders start anew; what their workers or their own samplers hold is not put back.",
)


@final
class Undo:
    """Remembers a training; :meth:`restore` puts it back, any number of times, and so does leaving the ``with``.

    It covers weights, buffers and other attributes of modules, gradients (``None`` too), requires_grad flags, training
    modes, the optimizer's state and groups, gradient scalers, learning-rate schedules, what ``bridle.attach`` gave, the
    random states of Python, NumPy and torch, and the variables, lists and mappings that the step itself uses.

    Args:
        model: The model; of nothing the random states alone are put back.
        optimizer: Its optimizer, whose weights are kept with it.
        step: The training step, whose closure and globals are searched for more of that.
        scaler: A gradient scaler that the step does not reach by a name.

    Attributes:
        unrestored: What cannot be put back, in sentences.
        scalers: The gradient scalers that were found.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        optimizer: Optimizer | None = None,
        step: Callable[..., Any] | None = None,
        scaler: Any = None,
    ) -> None:
        self._seen: dict[int, Any] = {}
        self._restores: list[Restore] = []
        self.scalers: list[Any] = []
        unrestored = []
        for value in (model, optimizer, scaler):
            self._keep(value)
        for name, value, rebind in reached(step) if step is not None else ():
            self._restores += [rebind] if rebind else []
            self._keep(value)
            if isinstance(value, Iterator):
                unrestored.append(f"The iterator {name!r} ({type(value).__name__}) moved on with each run of the step.")
            elif isinstance(value, io.IOBase):
                unrestored.append(f"The open file {name!r} keeps what the step wrote.")
        self.unrestored = (*unrestored, *ALWAYS)
        self._random = keep_random_states()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def restore(self) -> None:
        """Put everything back."""
        for restore in (*self._restores, *self._random):
            restore()

    def _keep(self, value: Any) -> None:
        if isinstance(value, nn.Module):
            self._attributes(value.modules())
        elif isinstance(value, Optimizer):
            self._attributes([value, plain := plain_optimizer(value)])
            for hook in plain._optimizer_step_pre_hooks.values():
                self._handle(getattr(hook, "__self__", None))
        elif isinstance(value, LRScheduler):
            self._attributes([value])
        elif isinstance(value, torch.amp.GradScaler):
            self.scalers.append(value)
            self._attributes([value])
        elif isinstance(value, Handle):
            self._handle(value)
        elif isinstance(value, dict | list | set | torch.Tensor):
            self._restores += keep(value, self._seen, data=False)
        else:
            self._restores += keep_generator(value)

    def _attributes(self, values: Iterable[Any]) -> None:
        for value in values:
            self._restores += keep(vars(value), self._seen)

    def _handle(self, value: Any) -> None:
        if isinstance(value, Handle):
            self._attributes([value, value._terms])
