"""How the user wants data to be read, from plain values as they come from the command line or from Python."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bridle.data.options import Options
from bridle.errors import DataError
from bridle.records import Task


def options_of(given: Mapping[str, Any]) -> Options:
    """The options of reading; what is ``None`` keeps its default.

    Raises:
        DataError: If one is not known or not allowed.
    """
    known = [field.name for field in fields(Options)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise DataError(f"{unknown[0]!r} is no option of reading data; known are {', '.join(known)}.")
    ready = {name: _columns(value) if name in ("drop", "categorical") else value for name, value in given.items()}
    if ready.get("task") is not None:
        ready["task"] = _task(ready["task"])
    return Options(**{name: value for name, value in ready.items() if value is not None})


def _columns(value: Any) -> Any:
    """One column may be named by itself."""
    return (value,) if isinstance(value, str) else None if value is None else tuple(value)


def _task(name: str) -> Task:
    try:
        return Task(name)
    except ValueError:
        raise DataError(f"task must be one of {', '.join(Task)}; got {name!r}.") from None
