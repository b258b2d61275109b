"""Records to JSON and back, driven by the records' own type annotations."""

import dataclasses
import json
import math
import types
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bridle.errors import RunError

R = TypeVar("R")


def to_plain(value: Any) -> Any:
    """A record as mappings, lists, strings and numbers; JSON has no NaN (here ``None``) and no infinity (a string)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return to_plain(value.item())
    return value


def from_plain(kind: Any, value: Any, where: str = "record") -> Any:
    """The inverse of :func:`to_plain` for the annotated type ``kind``.

    Raises:
        RunError: If a field is missing, unknown or of another kind; ``where`` says which.
    """
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None if types.NoneType in arguments else math.nan
        return from_plain(next(option for option in arguments if option is not types.NoneType), value, where)
    if origin in (tuple, list):
        _need(isinstance(value, list | tuple), "a list", value, where)
        return origin(from_plain(arguments[0], item, where) for item in value)
    if origin is dict:
        _need(isinstance(value, dict), "a mapping", value, where)
        return {key: from_plain(arguments[1], item, where) for key, item in value.items()}
    return _single(kind, value, where)


def _single(kind: Any, value: Any, where: str) -> Any:
    if kind is float:
        _need(_is_number(value) or value in (None, "inf", "-inf"), "a number", value, where)
        return math.nan if value is None else float(value)
    if kind is int:
        _need(_is_number(value) and value == int(value), "a whole number", value, where)
        return int(value)
    if kind in (str, bool):
        _need(isinstance(value, kind), "a text" if kind is str else "true or false", value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        allowed = [member.value for member in kind]
        _need(value in allowed, f"one of {', '.join(map(str, allowed))}", value, where)
        return kind(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _need(holds: bool, what: str, value: Any, where: str) -> None:
    if not holds:
        raise RunError(f"{where} must be {what}; got {value!r:.80}. The file was changed by hand or damaged.")


def _record(kind: Any, value: Any, where: str) -> Any:
    _need(isinstance(value, dict), "a mapping", value, where)
    hints = get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise RunError(
            f"{where} has unknown fields {unknown}; allowed are {sorted(hints)}. Was it written by a newer Bridle?"
        )
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    missing = sorted(required - set(value))
    if missing:
        raise RunError(f"{where} lacks the fields {missing}. The file was changed by hand or damaged.")
    return kind(**{name: from_plain(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def dumps(record: Any, *, indent: int | None = 1) -> str:
    """A record as JSON text; without ``indent`` in one line, which is written many times faster."""
    return json.dumps(to_plain(record), indent=indent, ensure_ascii=False, allow_nan=False)


def loads(kind: type[R], text: str, where: str = "record") -> R:
    """A record of type ``kind`` from JSON text.

    Raises:
        RunError: If the text is not JSON or does not fit the record.
    """
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise RunError(f"{where} is not valid JSON ({error}). The file was changed by hand or damaged.") from None
    result: R = from_plain(kind, plain, where)
    return result
