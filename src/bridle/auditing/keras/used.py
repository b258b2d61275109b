"""Which rows a script's Keras models were trained on, validated on and evaluated on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from types import FrameType
from typing import Any

import numpy as np

from bridle.auditing.loaders import names_of, spaces


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as a model was given them.

    Args:
        given: The inputs: arrays, or a dataset.
        key: The same for the same numbers, or for the same dataset.
        names: What the script's variables call them.
    """

    given: Any
    key: bytes | int
    names: frozenset[str]


@dataclass(eq=False)
class Training:
    """One call of ``fit``.

    Args:
        rows: The training rows.
        validation: The rows of ``validation_data``, or those that ``validation_split`` leaves out; None without both.
        callbacks: Its callbacks.
        split: Whether it split its validation rows off by itself.
        validations: How often it was validated.
        evaluated: What was evaluated, or predicted, after it and before the next one.
    """

    rows: Rows
    validation: Rows | None
    callbacks: list[Any]
    split: bool = False
    validations: int = 0
    evaluated: list[Rows] = field(default_factory=list)


def rows_of(given: Any, frame: FrameType) -> Rows:
    """Rows, and what the script calls them.

    Args:
        given: The inputs.
        frame: Where the script gave them.
    """
    arrays = arrays_of(given)
    names = frozenset(names_of(given, spaces(frame)))
    if not arrays:
        return Rows(given, id(given), names)
    found = blake2b(digest_size=16)
    for array in arrays:
        found.update(repr((array.shape, array.dtype.str)).encode())
        found.update(np.ascontiguousarray(array).data)
    return Rows(given, found.digest(), names)


def training_of(given: Mapping[str, Any], callbacks: list[Any], frame: FrameType) -> Training:
    """What ``fit`` was given.

    Args:
        given: Its arguments by name.
        callbacks: Its callbacks.
        frame: Where the script called it.
    """
    inputs, validation, share = given.get("x"), given.get("validation_data"), given.get("validation_split") or 0.0
    rows = inputs
    if validation is not None:
        validation = validation[0] if isinstance(validation, list | tuple) else validation
    elif share and isinstance(inputs, np.ndarray):
        split = int(len(inputs) * (1.0 - share))
        rows, validation = inputs[:split], inputs[split:]
    named = None if validation is None else rows_of(validation, frame)
    return Training(rows_of(rows, frame), named, callbacks, split=rows is not inputs)


def arrays_of(given: Any) -> list[Any]:
    """The arrays of numbers that inputs are made of, as NumPy's; none of a dataset or a generator."""
    if isinstance(given, Mapping):
        return arrays_of([given[name] for name in sorted(given)])
    if isinstance(given, Sequence) and not isinstance(given, str):
        parts = [arrays_of(part) for part in given]
        return [array for part in parts for array in part] if all(parts) else []
    if not hasattr(given, "__array__"):
        return []
    try:
        array = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    except Exception:  # tensors without numbers, kinds that NumPy does not know
        return []
    return [array] if array.dtype.kind in "fiub" and array.ndim else []
