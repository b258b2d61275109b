"""Columns by name, whatever holds them: a file on disk or a data frame."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import polars as pl

from bridle.errors import DataError

AT_ONCE = 512 * 2**20
"""About how many bytes of columns are read at once; a cell is counted as 24 bytes."""


@final
@dataclass(frozen=True, eq=False)
class Columns:
    """A table whose columns are read when they are asked for.

    Args:
        source: The data's name, for errors.
        names: The names of the columns, in order.
        read: Some columns by name, all of their rows.

    Raises:
        DataError: If a name occurs twice, or would be a pattern to polars.
    """

    source: str
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], pl.DataFrame]

    def __post_init__(self) -> None:
        """Check that every name can be used and occurs once."""
        twice = [name for place, name in enumerate(self.names) if name in self.names[:place]]
        if twice:
            raise DataError(
                f"{self.source}: the column name {twice[0]!r} occurs {self.names.count(twice[0])} times; names must be "
                "different. Rename the columns in the file."
            )
        pattern = [name for name in self.names if name == "*" or (name.startswith("^") and name.endswith("$"))]
        if pattern:
            raise DataError(
                f"{self.source}: a column name can be neither '*' nor anything from '^' to '$'; got {pattern[0]!r}. "
                "Rename it."
            )

    def one(self, name: str, role: str) -> pl.Series:
        """A column that the user named.

        Raises:
            DataError: If there is none of that name; the nearest is suggested.
        """
        self.require((name,), role)
        return self.read([name])[name]

    def require(self, names: Sequence[str], role: str) -> None:
        """Check that columns exist."""
        for name in names:
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, 1, 0.5)
                meant = f" Did you mean {near[0]!r}?" if near else ""
                raise DataError(
                    f"{self.source}: there is no column {name!r} ({role}); the columns are {listed(self.names)}.{meant}"
                )

    def stream(self, names: Sequence[str], rows: int) -> Iterator[pl.Series]:
        """Columns one after the other, a few read at once."""
        count = max(1, AT_ONCE // (24 * max(rows, 1)))
        for start in range(0, len(names), count):
            yield from self.read(names[start : start + count])


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, the first few."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
