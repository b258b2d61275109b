"""The sealed test set: split off first, opened by name, and every opening counted."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from bridle.data.dataset import Dataset
from bridle.data.strata import share_of
from bridle.errors import DataError


@final
class SealedTest:
    """Rows that nothing may look at before the choice is made.

    Only :meth:`open` gives the rows; how many there are may be known at any time.

    Args:
        dataset: The data set that holds the test rows.
        rows: Their row numbers.
    """

    def __init__(self, dataset: Dataset, rows: NDArray[np.int64]) -> None:
        if not len(rows):
            raise DataError(f"{dataset.name}: the test set is empty. Name another file, or a larger share.")
        self.__dataset = dataset
        self.__rows = rows
        self.reasons: list[str] = []

    @classmethod
    def of(cls, dataset: Dataset) -> "SealedTest":
        """All rows of a separate test set."""
        return cls(dataset, np.arange(len(dataset), dtype=np.int64))

    @classmethod
    def nothing(cls, dataset: Dataset) -> "SealedTest":
        """No test rows, for a caller that keeps some of its own: it can never be opened."""
        sealed = cls.of(dataset)
        sealed.__rows = sealed.__rows[:0]
        return sealed

    def __len__(self) -> int:
        return len(self.__rows)

    @property
    def openings(self) -> int:
        """How often the test set was opened."""
        return len(self.reasons)

    def open(self, reason: str) -> tuple[Dataset, NDArray[np.int64]]:
        """The data set and its test rows; the opening is counted, with its reason.

        Raises:
            DataError: If nothing was sealed.
        """
        if not len(self):
            raise DataError(f"{self.__dataset.name}: no test rows were sealed (share = 0), so none can be opened.")
        self.reasons.append(reason)
        return self.__dataset, self.__rows


def split_test(dataset: Dataset, share: float = 0.2, seed: int = 0) -> tuple[NDArray[np.int64], SealedTest]:
    """Split the test rows off: stratified by class, by whole groups, or the last in time.

    Args:
        dataset: All rows.
        share: About how much of the rows the test gets, in (0, 1); 0 seals nothing.
        seed: What the division depends on; a split in time depends on nothing.

    Returns:
        The remaining rows, ascending, and the sealed test.

    Raises:
        DataError: If there are too few rows, groups or times.
    """
    everything = np.arange(len(dataset), dtype=np.int64)
    if share == 0:
        return everything, SealedTest.nothing(dataset)
    test = share_of(dataset, everything, share, seed)
    return np.setdiff1d(everything, test, assume_unique=True), SealedTest(dataset, test)
