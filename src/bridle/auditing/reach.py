"""What a training step reaches: its closure, its object, its defaults and the globals that it names."""

import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bridle.auditing.keep import Restore

LIBRARIES = (sys.stdlib_module_names | {"bridle", "numpy", "torch"}) - {"argparse", "types"}
"""Objects of theirs are not looked into, but for namespaces: they may belong to other threads."""
STEP = "step()"
"""What the step itself is called: no name that it may use."""
MANY = 1000
"""A list or mapping of more items is data."""
FEW = 4096
"""A tensor or array of so few numbers is a counter or a record; larger ones are data, unless they are like a weight."""


class Reached(NamedTuple):
    """A value that the step reaches.

    Args:
        name: What the step calls it.
        value: The value.
        restore: How to bind the name to this very value again, and to put back the numbers in it, or ``None`` where
            nothing has to be done.
    """

    name: str
    value: Any
    restore: Restore | None


def reached(step: Any) -> Iterator[Reached]:
    """Every value that ``step`` reaches by a name, through functions and objects of the user's own, each once.

    Numbers in tensors and arrays are put back where they are few, or where they have the shape of a weight or buffer
    of a model that the step reaches: averaged weights are such. Attributes of objects are bound to what they were.
    """
    found = list(_walk(step))
    models = [one.value for one in found if isinstance(one.value, nn.Module)]
    shapes = {tensor.shape for model in models for tensor in (*model.parameters(), *model.buffers())}
    for one in found:
        yield one
        numbers = _numbers(one.value, shapes)
        if numbers is not None:
            yield Reached(one.name, None, numbers)


def _walk(step: Any) -> Iterator[Reached]:
    waiting: list[Reached] = [Reached(STEP, step, None)]
    seen: dict[int, Any] = {}
    while waiting:
        found = waiting.pop()
        if found.name != STEP:
            yield found
        if id(found.value) not in seen:
            seen[id(found.value)] = found.value
            waiting.extend(_within(found.name, found.value))


def _within(name: str, value: Any) -> Iterator[Reached]:
    if isinstance(value, partial):
        held = {"function": value.func, **{str(place): item for place, item in enumerate(value.args)}, **value.keywords}
        yield from (Reached(f"{name}.{key}", item, None) for key, item in held.items())
    elif isinstance(value, types.MethodType):
        yield Reached(f"{name}.__self__", value.__self__, None)
        yield Reached(f"{name}.__func__", value.__func__, None)
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value) if _is_own(value.__module__) or name in (STEP, f"{STEP}.function") else ()
    elif isinstance(value, dict | list | tuple | deque):
        yield from _items(name, value)
    elif not isinstance(value, type | types.ModuleType) and _is_own(type(value).__module__):
        yield from _of_object(name, value)


def _items(name: str, value: Any) -> Iterator[Reached]:
    if len(value) <= MANY:
        pairs: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        yield from (Reached(f"{name}[{key!r}]", item, None) for key, item in pairs)


def _of_object(name: str, value: Any) -> Iterator[Reached]:
    if hasattr(value, "__dict__"):
        yield Reached(f"{name}.__dict__", None, partial(_rebind, vars(value), dict(vars(value))))
        yield from (Reached(f"{name}.{key}", item, None) for key, item in vars(value).items())
    for kind in type(value).__mro__:
        for key in _slots(kind):
            if hasattr(value, key):
                held = getattr(value, key)
                yield Reached(f"{name}.{key}", held, partial(setattr, value, key, held))
    call = vars(type(value)).get("__call__")
    if isinstance(call, types.FunctionType):
        yield Reached(f"{name}.__call__", call, None)


def _rebind(attributes: dict[str, Any], held: dict[str, Any]) -> None:
    """Set what differs and no more, for the object may be in use meanwhile."""
    for key in [key for key in attributes if key not in held]:
        del attributes[key]
    for key, value in held.items():
        if key not in attributes or attributes[key] is not value:
            attributes[key] = value


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if not name.startswith("__"))


def _of_function(function: types.FunctionType) -> Iterator[Reached]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        yield Reached(name, value, partial(setattr, cell, "cell_contents", value))
    for place, value in enumerate((*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())):
        yield Reached(f"default {place}", value, None)
    space = function.__globals__
    for name in dict.fromkeys(_names(function.__code__)):
        if name in space:
            yield Reached(name, space[name], partial(space.__setitem__, name, space[name]))


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_own(module: str | None) -> bool:
    return (module or "").partition(".")[0] not in LIBRARIES


def _numbers(value: Any, shapes: set[torch.Size]) -> Restore | None:
    if isinstance(value, Tensor) and value.is_leaf and not value.requires_grad and not value.is_sparse:
        return _tensor(value) if value.numel() <= FEW or value.shape in shapes else None
    if isinstance(value, np.ndarray) and value.size <= FEW and value.flags.writeable:
        return partial(np.copyto, value, value.copy())
    if isinstance(value, deque) and len(value) <= MANY:
        return partial(_refill, value, list(value))
    return None


def _refill(value: deque[Any], held: list[Any]) -> None:
    value.clear()
    value.extend(held)


def _tensor(value: Tensor) -> Restore:
    bits = value.detach().clone()

    def restore() -> None:
        if not torch.equal(value, bits):  # also not written to where that is not allowed
            with torch.no_grad():
                value.copy_(bits)

    return restore
