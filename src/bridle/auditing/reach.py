"""What a training step reaches: its closure, its object, its defaults and the globals that it names."""

import types
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from bridle.auditing.keep import Restore

LIBRARIES = ("torch", "numpy", "builtins", "collections", "functools", "bridle", "random", "math", "time", "itertools")


class Reached(NamedTuple):
    """A value that the step reaches.

    Args:
        name: What the step calls it.
        value: The value.
        restore: How to bind the name to this very value again, or ``None`` where nothing can rebind it.
    """

    name: str
    value: Any
    restore: Restore | None


def reached(step: Any) -> Iterator[Reached]:
    """Every value that ``step`` reaches by a name, through functions and objects of the user's own, each once."""
    waiting: list[Reached] = [Reached("step", step, None)]
    seen: dict[int, Any] = {}
    while waiting:
        found = waiting.pop()
        if found.name != "step":
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
        yield from _of_function(value) if _is_own(value.__module__) or name == "step" else ()
    elif (
        not isinstance(value, type | types.ModuleType)
        and _is_own(type(value).__module__)
        and hasattr(value, "__dict__")
    ):
        yield from (Reached(f"{name}.{key}", item, None) for key, item in vars(value).items())
        call = vars(type(value)).get("__call__")
        if isinstance(call, types.FunctionType):
            yield Reached(f"{name}.__call__", call, None)


def _of_function(function: types.FunctionType) -> Iterator[Reached]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        yield Reached(name, value, lambda cell=cell, value=value: setattr(cell, "cell_contents", value))  # type: ignore[misc]
    for place, value in enumerate((*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())):
        yield Reached(f"default {place}", value, None)
    space = function.__globals__
    for name in dict.fromkeys(_names(function.__code__)):
        if name in space:
            value = space[name]
            yield Reached(name, value, lambda name=name, value=value: space.update({name: value}))  # type: ignore[misc]


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_own(module: str | None) -> bool:
    return (module or "").partition(".")[0] not in LIBRARIES
