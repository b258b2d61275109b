"""Data frames: polars, pandas, or a mapping of columns, with the name of the target. Pandas is not needed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
from polars import selectors

from bridle.data.columns import Columns
from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.sources.source import Source
from bridle.data.tabulate import tabulate
from bridle.errors import DataError
from bridle.records import Layout


def _accepts(source: Any) -> bool:
    if isinstance(source, tuple):
        return len(source) == 2 and isinstance(source[1], str) and is_frame(source[0])
    return is_frame(source)


def _read(source: Any, options: Options, layout: Layout | None) -> Dataset:
    frame, target = source if isinstance(source, tuple) else (source, options.target)
    return frame_dataset(to_polars(frame, "frame"), target, "frame", options, layout)


def frame_dataset(
    frame: pl.DataFrame, target: str | None, source: str, options: Options, layout: Layout | None
) -> Dataset:
    """The data set of a polars frame."""
    columns = Columns(source, tuple(frame.columns), lambda names: frame.select(selectors.by_name(*names)))
    return tabulate(columns, replace(options, target=target), layout)


def is_frame(source: Any) -> bool:
    """Whether something is a polars or pandas frame, or a mapping of columns."""
    return isinstance(source, pl.DataFrame | pl.LazyFrame | Mapping) or _is_pandas(source)


def _is_pandas(source: Any) -> bool:
    return type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns")


def to_polars(frame: Any, source: str) -> pl.DataFrame:
    """A polars frame of the same columns.

    Raises:
        DataError: If the columns have no single length, a name twice, or a type that cannot be read.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    names = [str(name) for name in (frame if isinstance(frame, Mapping) else frame.columns)]
    Columns(source, tuple(names), lambda _: pl.DataFrame())
    parts = frame.values() if isinstance(frame, Mapping) else (frame.iloc[:, place] for place in range(len(names)))
    try:
        return pl.DataFrame([_column(name, part) for name, part in zip(names, parts, strict=True)])
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(f"{source} cannot be read as a table: {error}. Convert the column named there.") from None


def _column(name: str, values: Any) -> pl.Series:
    """One column, whose own type decides; a pandas categorical stays one."""
    kind = str(getattr(values, "dtype", ""))
    if kind == "category":
        text = [None if value is None else str(value) for value in _present(values)]
        return pl.Series(name, text, dtype=pl.String).cast(pl.Categorical)
    if kind in ("object", "str", "boolean") or kind.startswith("string") or kind[:1].isupper():
        return pl.Series(name, _present(values), strict=False)
    return pl.Series(name, values.to_numpy() if hasattr(values, "to_numpy") else values, strict=False)


def _present(values: Any) -> list[Any]:
    """The cells of a column, ``None`` where one is missing in any of pandas' ways."""
    missing = values.isna() if hasattr(values, "isna") else [value is None or value != value for value in values]
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


SOURCE = Source("frame", _accepts, _read)
