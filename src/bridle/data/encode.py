"""One input column of a table: understood, then encoded as float32."""

from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bridle.data.texts import as_numbers, as_text, look_like_dates, without_markers
from bridle.errors import DataError
from bridle.records import Column

MOST_CATEGORIES = 1000
"""A categorical column keeps its most frequent categories; the rest are "unknown"."""

MOSTLY = 0.9
"""A column of text with at least this share of numbers is taken for numbers with mistakes."""

DIFFERENT, ENOUGH = 0.95, 50
"""A text column with a larger share of different values, among at least so many, identifies rows: it is no category."""


@final
@dataclass(frozen=True, eq=False)
class Encoded:
    """A column that becomes an input, or the reason why it does not.

    Args:
        column: What it is; ``None`` where it is dropped.
        values: ``(N,)`` float32: numbers with NaN for missing, or codes.
        note: What should be said of it.
    """

    column: Column | None
    values: NDArray[np.float32]
    note: str | None = None


def understand(values: pl.Series, source: str, *, categorical: bool) -> Encoded:
    """Encode a column of training data as what it is.

    Args:
        values: One entry per row, with the column's name.
        source: The data's name, for errors.
        categorical: Whether the user declared it categorical.

    Raises:
        DataError: If it holds dates, text among numbers, infinities or a type that cannot be an input.
    """
    name = values.name
    if values.null_count() == len(values):
        return _dropped(f"Column {name!r} was dropped: every value is missing.")
    if values.dtype.is_temporal():
        raise _dates(name, source, str(values.drop_nulls()[0]))
    if values.dtype.is_nested() or values.dtype in (pl.Object, pl.Binary):
        raise DataError(
            f"{source}: column {name!r} is of type {values.dtype}; an input must be numbers or text. Use --drop {name}."
        )
    if categorical or values.dtype in (pl.Boolean, pl.Categorical, pl.Enum):
        return _categories(without_markers(as_text(values)), name)
    if values.dtype.is_numeric():
        return _numeric(values.cast(pl.Float64), name, source)
    return _text(without_markers(as_text(values)), name, source)


def fit_to(values: pl.Series, column: Column, source: str) -> NDArray[np.float32]:
    """Encode a column as a layout says; an unknown category becomes code 0.

    Raises:
        DataError: If a numeric column holds text or infinities.
    """
    text = None if values.dtype.is_numeric() else without_markers(as_text(values))
    if column.categories is not None:
        return _codes(without_markers(as_text(values)), column.categories)
    numbers = values.cast(pl.Float64) if text is None else as_numbers(text)
    if text is not None:
        wrong = np.flatnonzero((numbers.is_null() & text.is_not_null()).to_numpy())
        if len(wrong):
            raise _mixed(column.name, source, int(wrong[0]), str(text[int(wrong[0])]), len(wrong))
    return _finite(numbers, column.name, source)


def _text(text: pl.Series, name: str, source: str) -> Encoded:
    """A text column: numbers written as text, dates, identifiers or categories."""
    present = len(text) - text.null_count()
    if not present:
        return _dropped(f"Column {name!r} was dropped: every value is missing.")
    numbers = as_numbers(text)
    numeric = len(text) - numbers.null_count()
    if numeric == present:
        return _numeric(numbers, name, source)
    if numeric >= MOSTLY * present:
        first = int((numbers.is_null() & text.is_not_null()).arg_true()[0])
        raise _mixed(name, source, first, text[first], present - numeric)
    names = text.drop_nulls().unique()
    if look_like_dates(names.head(1000)):
        raise _dates(name, source, names[0])
    if present >= ENOUGH and len(names) > DIFFERENT * present:
        return _dropped(
            f"Column {name!r} was dropped: {len(names)} of {present} texts are different, so they identify rows. "
            f"Keep it with --categorical {name}."
        )
    return _categories(text, name)


def _numeric(numbers: pl.Series, name: str, source: str) -> Encoded:
    values = _finite(numbers, name, source)
    missing = np.isnan(values)
    if missing.all():
        return _dropped(f"Column {name!r} was dropped: every value is missing.")
    if not missing.any() and values.min() == values.max():
        return _dropped(f"Column {name!r} was dropped: it is {values[0]:g} in every row.")
    note = None
    if len(values) > 2 and not missing.any() and values[1] != values[0] and _counts_rows(numbers):
        note = f"Column {name!r} counts the rows; if it is no measurement, use --drop {name}."
    return Encoded(Column(name, None, bool(missing.any())), values, note)


def _counts_rows(numbers: pl.Series) -> bool:
    return bool((numbers.diff().drop_nulls() == 1).all())


def _finite(numbers: pl.Series, name: str, source: str) -> NDArray[np.float32]:
    """Float32 with NaN for missing."""
    values = numbers.cast(pl.Float32, strict=False).fill_null(float("nan")).to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"{source}: column {name!r} is infinite or beyond 3.4e38 in row {infinite[0] + 1} ({len(infinite)} such "
            f"rows); inputs must be finite. Correct them, leave the cells empty, or use --drop {name}."
        )
    return values


def _categories(text: pl.Series, name: str) -> Encoded:
    counts = text.drop_nulls().value_counts(name="rows").sort(["rows", text.name], descending=[True, False])
    names = counts[text.name]
    if not len(names):
        return _dropped(f"Column {name!r} was dropped: every value is missing.")
    if len(names) == 1 and not text.null_count():
        return _dropped(f"Column {name!r} was dropped: it is {names[0]!r} in every row.")
    kept = tuple(names.head(MOST_CATEGORIES).sort().to_list())
    note = None
    if len(kept) < len(names):
        rows = int(counts["rows"].tail(len(names) - len(kept)).sum())
        note = (
            f"Column {name!r} has {len(names)} categories: the {len(kept)} most frequent are kept, the rest ({rows} "
            "rows) "
            'count as "unknown".'
        )
    return Encoded(Column(name, kept), _codes(text, kept), note)


def _codes(text: pl.Series, categories: tuple[str, ...]) -> NDArray[np.float32]:
    """0 unknown, 1 missing, ``j + 2`` category ``j``."""
    found = text.cast(pl.Enum(categories), strict=False).to_physical().cast(pl.Float32) + 2
    return found.fill_null(0).set(text.is_null(), 1.0).to_numpy()


def _dropped(note: str) -> Encoded:
    return Encoded(None, np.zeros(0, np.float32), note)


def _dates(name: str, source: str, value: str) -> DataError:
    return DataError(
        f"{source}: column {name!r} holds dates ({value!r}); an input must be numbers or categories. Derive columns "
        f"from it, such as year, month or age, and use --drop {name}; or use --time {name} to split in time order."
    )


def _mixed(name: str, source: str, row: int, value: str, count: int) -> DataError:
    return DataError(
        f"{source}: column {name!r} holds numbers, but row {row + 1} holds the text {value!r} ({count} such rows). "
        f"Correct or empty these cells, or use --categorical {name} or --drop {name}."
    )
