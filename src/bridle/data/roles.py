"""Columns with a role of their own: groups, times and weights."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bridle.data.texts import as_numbers, as_text, without_markers
from bridle.errors import DataError

FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y")
CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %H:%M:%S%.f", "T%H:%M:%S%.f")


def group_numbers(values: pl.Series, source: str) -> NDArray[np.int64]:
    """A number per group; rows without one are refused."""
    text = as_text(values)
    _complete(text, "group", source)
    return text.rank("dense").cast(pl.Int64).to_numpy().astype(np.int64) - 1


def time_numbers(values: pl.Series, source: str) -> NDArray[Any]:
    """Numbers in the order of the times: the numbers themselves, or microseconds of dates."""
    if values.dtype.is_temporal():
        _complete(values, "time", source)
        physical = values.to_physical() if values.dtype in (pl.Time, pl.Duration) else values.cast(pl.Datetime("us"))
        return physical.to_physical().to_numpy().astype(np.int64)
    text = without_markers(as_text(values))
    _complete(text, "time", source)
    numbers = values.cast(pl.Float64) if values.dtype.is_numeric() else as_numbers(text)
    if not numbers.null_count():
        return numbers.to_numpy().astype(np.float64)
    return _dates(text, source).to_physical().to_numpy().astype(np.int64)


def _dates(text: pl.Series, source: str) -> pl.Series:
    """Dates written in one way; day and month must not be open to doubt."""
    text = text.str.strip_suffix("Z")
    readings = [
        text.str.to_datetime(date + clock, time_unit="us", strict=False) for clock in CLOCKS for date in FORMATS
    ]
    complete = [reading for reading in readings if not reading.null_count()]
    if not complete:
        raise DataError(
            f"{source}: the time column {text.name!r} holds {text[0]!r}; times must be numbers or dates such as "
            "2026-01-31, all written in one way. Rewrite it."
        )
    if any(not complete[0].equals(other) for other in complete[1:]):
        raise DataError(
            f"{source}: the time column {text.name!r} holds {text[0]!r}, where day and month cannot be told apart. "
            "Write dates as year-month-day."
        )
    return complete[0]


def weight_numbers(values: pl.Series, source: str) -> NDArray[np.float64]:
    """Finite weights of at least 0, not all 0."""
    text = without_markers(as_text(values))
    _complete(text, "weights", source)
    found = as_numbers(text).fill_null(float("nan")).to_numpy().astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(found) | (found < 0))
    if len(wrong):
        raise DataError(
            f"{source}: the weights column {values.name!r} must hold numbers of at least 0; got "
            f"{text[int(wrong[0])]!r} in row {wrong[0] + 1}. Correct it, or leave --weights out."
        )
    if not found.any():
        raise DataError(f"{source}: every weight in the column {values.name!r} is 0. Leave --weights out.")
    return found


def _complete(values: pl.Series, role: str, source: str) -> None:
    missing = values.is_null()
    if missing.any():
        raise DataError(
            f"{source}: the {role} column {values.name!r} is empty in row {int(missing.arg_true()[0]) + 1} "
            f"({missing.sum()} such rows); it must be filled in every row. Fill or remove these rows."
        )
