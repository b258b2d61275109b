"""A fold: a mark for each row of a data set."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray


class Mark(IntEnum):
    """What a row is used for in one fold."""

    TRAIN = 0
    WATCH = 1
    """The tenth of the training rows that patience sees; only with early stopping."""
    SCORE = 2
    OUT = 3
    """Not in this fold: sealed for the test, or (in time order) later than what is scored."""


@final
@dataclass(frozen=True, eq=False)
class Fold:
    """One way to divide the rows of a data set.

    Args:
        number: The fold's number within the search; it keys the draws.
        marks: ``(N,)`` int8, a :class:`Mark` per row of the data set.
    """

    number: int
    marks: NDArray[np.int8]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the marks, hexadecimal."""
        return hashlib.sha256(self.marks.tobytes()).hexdigest()

    def rows(self, *marks: Mark) -> NDArray[np.int64]:
        """The row numbers that carry one of ``marks``, ascending."""
        found = np.zeros(len(self.marks), dtype=np.bool_)
        for mark in marks:
            found |= self.marks == int(mark)
        return np.flatnonzero(found).astype(np.int64)
