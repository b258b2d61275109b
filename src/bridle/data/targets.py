"""Targets: from a column of any type to codes of classes, or to numbers."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bridle.data.dataset import UNKNOWN_CLASS
from bridle.data.texts import as_numbers, as_text, without_markers
from bridle.errors import DataError
from bridle.records import Layout, Task

MANY = 50
"""Whole numbers of more different values than this are taken as numbers, not as classes."""


@final
@dataclass(frozen=True, eq=False)
class Target:
    """An encoded target.

    Args:
        values: ``(N,)`` int64 codes (-1 missing) or float64 numbers (NaN missing).
        task: What it asks for.
        classes: The names of the classes in the order of their codes.
        notes: How the task was inferred, in a sentence.
    """

    values: NDArray[Any]
    task: Task
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows have a target."""
        if self.task is Task.CLASSIFICATION:
            return np.asarray(self.values != UNKNOWN_CLASS)
        return np.asarray(~np.isnan(self.values))


def encode_target(values: pl.Series, source: str, task: Task | None = None) -> Target:
    """The target of training data.

    Args:
        values: One entry per row, named as the user names the target.
        source: The data's name, for errors.
        task: The user's word; ``None`` to infer it.

    Raises:
        DataError: If it is all missing, of one class or one value, infinite, a date, or text where numbers are wanted.
    """
    _check_type(values, source)
    notes: tuple[str, ...] = ()
    if task is None:
        task, reason = _infer(values)
        notes = (f"The task is {task}: {reason}. Say otherwise with --task.",)
    if task is Task.REGRESSION:
        return Target(_numbers(values, source), task, (), notes)
    classes = _class_names(as_text(values))
    if len(classes) < 2:
        raise DataError(_too_few(values.name, source, classes))
    return Target(_codes(as_text(values), classes), task, classes, notes)


def encode_known(values: pl.Series, source: str, layout: Layout) -> Target:
    """The target of data that must fit a layout.

    Raises:
        DataError: If it holds a class that the layout does not know.
    """
    _check_type(values, source)
    if layout.task is Task.REGRESSION:
        return Target(_numbers(values, source, empty=True), layout.task)
    text = as_text(values)
    codes = _codes(text, layout.classes)
    strange = np.flatnonzero((codes == UNKNOWN_CLASS) & text.is_not_null().to_numpy())
    if len(strange):
        first = int(strange[0])
        raise DataError(
            f"{source}: the target {values.name!r} holds the class {text[first]!r} in row {first + 1}, which the "
            f"training data does not have; known are {_listed(layout.classes)}. Remove such rows ({len(strange)}), "
            "or train with them."
        )
    return Target(codes, layout.task, layout.classes)


def no_target(rows: int, layout: Layout) -> Target:
    """The target of rows that have none."""
    if layout.task is Task.CLASSIFICATION:
        return Target(np.full(rows, UNKNOWN_CLASS, np.int64), layout.task, layout.classes)
    return Target(np.full(rows, np.nan), layout.task)


def _check_type(values: pl.Series, source: str) -> None:
    if values.dtype.is_temporal():
        raise DataError(
            f"{source}: the target {values.name!r} holds dates; a target must be classes or numbers. Derive a "
            "number from it, such as days since an event."
        )
    if values.dtype.is_nested() or values.dtype in (pl.Object, pl.Binary):
        raise DataError(
            f"{source}: the target {values.name!r} is of type {values.dtype}; a target must be one class or number "
            "per row."
        )


def _infer(values: pl.Series) -> tuple[Task, str]:
    """Classification or regression, with the reason in words."""
    label = f"the target {values.name!r}"
    if values.dtype == pl.Boolean:
        return Task.CLASSIFICATION, f"{label} is true or false"
    text = without_markers(as_text(values)).drop_nulls()
    numbers = as_numbers(text)
    if numbers.null_count() or values.dtype in (pl.Categorical, pl.Enum):
        return Task.CLASSIFICATION, f"{label} holds text"
    if not numbers.is_finite().all() or not (numbers == numbers.round()).all():
        return Task.REGRESSION, f"{label} holds numbers with decimals"
    different = numbers.n_unique()
    if different <= max(2, min(MANY, len(numbers) // 5)):
        return Task.CLASSIFICATION, f"{label} holds {different} different whole numbers"
    return Task.REGRESSION, f"{label} holds {different} different numbers"


def _numbers(values: pl.Series, source: str, *, empty: bool = False) -> NDArray[np.float64]:
    text = without_markers(as_text(values))
    numbers = as_numbers(text)
    wrong = np.flatnonzero((numbers.is_null() & text.is_not_null()).to_numpy())
    if len(wrong):
        first = int(wrong[0])
        raise DataError(
            f"{source}: regression needs numbers in the target {values.name!r}; got {text[first]!r} in row {first + 1} "
            f"({len(wrong)} such rows). Use --task classification, or correct them."
        )
    found = numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    infinite = np.flatnonzero(np.isinf(found))
    if len(infinite):
        raise DataError(
            f"{source}: the target {values.name!r} is infinite in row {infinite[0] + 1}; it must be finite. Correct "
            f"or remove such rows ({len(infinite)})."
        )
    known = found[~np.isnan(found)]
    if not empty and (not len(known) or known.min() == known.max()):
        said = f"the same value in every row ({known[0]:g})" if len(known) else "no value at all"
        raise DataError(
            f"{source}: the target {values.name!r} has {said}; there is nothing to learn. Name another target."
        )
    return found


def _class_names(text: pl.Series) -> tuple[str, ...]:
    """The names in the order of their numbers where all are numbers, else in alphabetical order."""
    names = text.drop_nulls().unique().sort()
    numbers = as_numbers(names)
    if len(names) and not numbers.null_count():
        names = names.gather(numbers.arg_sort())
    return tuple(names.to_list())


def _codes(text: pl.Series, classes: tuple[str, ...]) -> NDArray[np.int64]:
    codes = text.cast(pl.Enum(classes), strict=False).to_physical().cast(pl.Int64).fill_null(UNKNOWN_CLASS)
    return codes.to_numpy().astype(np.int64)


def _too_few(name: str, source: str, classes: tuple[str, ...]) -> str:
    if not classes:
        return f"{source}: the target {name!r} has no value at all; there is nothing to learn. Name another target."
    return (
        f"{source}: the target {name!r} has one class only, {classes[0]!r}; classification needs at least 2. Name "
        "another target, or bring rows of another class."
    )


def _listed(names: tuple[str, ...], most: int = 10) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
