"""From columns to a data set: roles first, then every input column, then one array."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bridle.data.columns import Columns, listed
from bridle.data.dataset import Dataset
from bridle.data.encode import Encoded, fit_to, understand
from bridle.data.options import Options
from bridle.data.roles import group_numbers, time_numbers, weight_numbers
from bridle.data.room import empty
from bridle.data.targets import Target, encode_known, encode_target, no_target
from bridle.errors import DataError
from bridle.records import Kind, Layout

Array = NDArray[Any]


def tabulate(columns: Columns, options: Options, layout: Layout | None = None) -> Dataset:
    """The data set of a table.

    Args:
        columns: The table.
        options: The user's words on columns.
        layout: The layout that the rows must have, for a test file or a prediction; ``None`` to find it.

    Raises:
        DataError: For every fault that the user can mend.
    """
    return _understood(columns, options) if layout is None else _laid_out(columns, options, layout)


def _understood(columns: Columns, options: Options) -> Dataset:
    if options.target is None:
        raise DataError(
            f"{columns.source}: which column is the target? Name it with --target; the columns are "
            f"{listed(columns.names)}."
        )
    target = encode_target(columns.one(options.target, "target"), columns.source, options.task)
    rows = _Rows.of(columns, target, drop_unknown=True)
    columns.require(options.drop, "drop")
    columns.require(options.categorical, "categorical")
    encoded, notes = _inputs(columns, options, rows)
    layout = Layout(
        Kind.TABLE,
        target.task,
        (len(encoded),),
        options.target,
        tuple(item.column for item in encoded if item.column is not None),
        target.classes,
    )
    table = _joined([item.values for item in encoded], rows.count, options)
    return _dataset(columns, options, layout, table, target, rows, (*target.notes, *rows.notes, *notes))


def _laid_out(columns: Columns, options: Options, layout: Layout) -> Dataset:
    name = options.target or layout.target
    missing = [column.name for column in layout.columns if column.name not in columns.names]
    if missing:
        columns.require(missing[:1], f"an input; {len(missing)} of {len(layout.columns)} inputs are missing")
    target = None
    if name in columns.names and name not in options.drop:
        target = encode_known(columns.one(name, "target"), columns.source, layout)
    rows = _Rows.of(columns, target, drop_unknown=False)
    if not rows.count:
        raise DataError(f"{columns.source} holds no rows. Name another file.")
    target = target or no_target(rows.count, layout)
    by_name = {column.name: column for column in layout.columns}
    values = [fit_to(series, by_name[series.name], columns.source) for series in columns.stream([*by_name], rows.count)]
    known = replace(options, group=None, time=None)
    if options.weights not in columns.names:
        known = replace(known, weights=None)
    return _dataset(columns, known, layout, _joined(values, rows.count, options), target, rows, ())


@final
@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows of the source are used: those with a target.

    Args:
        keep: ``(rows of the source,)`` bool, or ``None`` for all.
        count: How many are used.
        notes: What was left out.
    """

    keep: NDArray[np.bool_] | None
    count: int
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Columns, target: Target | None, *, drop_unknown: bool) -> "_Rows":
        if target is None:
            return cls(None, columns.read(columns.names[:1]).height)
        missing = int((~target.known).sum())
        if not missing or not drop_unknown:
            return cls(None, len(target.values))
        left = len(target.values) - missing
        return cls(target.known, left, (f"{missing} rows without a target were left out; {left} remain.",))

    def of_array(self, values: Array) -> Array:
        """The entries of the rows that are used."""
        return values if self.keep is None else values[self.keep]


def _inputs(columns: Columns, options: Options, rows: _Rows) -> tuple[list[Encoded], list[str]]:
    """The input columns in stored order, numeric ones first, and what should be said of them."""
    roles = {options.target, options.group, options.time, options.weights, *options.drop}
    names = [name for name in columns.names if name not in roles]
    unnamed = [name for name in names if not name.strip()]
    notes = ["A column without a name was dropped; give it a name to use it."] * bool(unnamed)
    encoded = []
    for series in columns.stream([name for name in names if name.strip()], rows.count):
        item = understand(series, columns.source, categorical=series.name in options.categorical)
        notes.extend([item.note] if item.note else [])
        if item.column is not None:
            encoded.append(Encoded(item.column, rows.of_array(item.values)))
    if not encoded:
        raise DataError(
            f"{columns.source}: no input column is left beside the target {options.target!r}. " + " ".join(notes)
        )
    return sorted(encoded, key=lambda item: item.column is not None and item.column.is_categorical), notes


def _joined(values: Sequence[NDArray[np.float32]], rows: int, options: Options) -> Array:
    """Columns side by side in one array, which lives on disk where it is large."""
    table = empty((rows, len(values)), np.float32, options.cache)
    step = max(1, 2**22 // max(1, len(values)))
    for start in range(0, rows, step):
        part = slice(start, start + step)
        np.stack([column[part] for column in values], axis=1, out=table[part])
    return table


def _dataset(
    columns: Columns,
    options: Options,
    layout: Layout,
    table: Array,
    target: Target,
    rows: _Rows,
    notes: tuple[str, ...],
) -> Dataset:
    weights = groups = times = None
    if options.weights is not None:
        weights = rows.of_array(weight_numbers(columns.one(options.weights, "weights"), columns.source))
    if options.group is not None:
        groups = rows.of_array(group_numbers(columns.one(options.group, "group"), columns.source))
    if options.time is not None:
        times = rows.of_array(time_numbers(columns.one(options.time, "time"), columns.source))
    return Dataset(table, rows.of_array(target.values), layout, weights, groups, times, columns.source, notes)
