"""A data set in memory, or memory-mapped: what every source gives and every part of the job reads."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bridle.errors import DataError
from bridle.records import Layout, Task

BLOCK = 16 * 2**20
"""Bytes that are looked at in one piece."""

UNKNOWN_CLASS = -1
"""The code of a row whose class is not known (a file to predict)."""


@final
@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with their targets.

    Args:
        inputs: ``(N, columns)`` float32 for a table, numeric columns first (missing: NaN), then the codes of
            categorical columns as whole numbers (0 unknown, 1 missing, ``j + 2`` category ``j``); ``(N, channels,
            height, width)`` uint8 or float32 for images. May be a ``np.memmap``.
        targets: ``(N,)`` int64 codes of classes (-1 where not known), or float64 numbers (NaN where not known).
        layout: What one row and its target mean.
        weights: ``(N,)`` float64 weight of each row, or ``None``.
        groups: ``(N,)`` int64 number of each row's group, or ``None``. Rows of one group stay together.
        times: ``(N,)`` numbers that order the rows in time, or ``None``.
        name: The path or name that the user gave.
        notes: What was noticed while reading, in sentences.

    Raises:
        DataError: If the lengths differ.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    layout: Layout
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    times: NDArray[Any] | None = None
    name: str = "data"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that every array has one entry per row."""
        if self.inputs.shape[1:] != self.layout.shape:
            raise DataError(
                f"{self.name}: rows must have the shape {self.layout.shape} of the layout; got {self.inputs.shape[1:]}."
            )
        for label in ("targets", "weights", "groups", "times"):
            values = getattr(self, label)
            if values is not None and len(values) != len(self.inputs):
                raise DataError(
                    f"{self.name}: there must be one entry of {label} per row; got {len(self.inputs)} rows and "
                    f"{len(values)} {label}."
                )

    def __len__(self) -> int:
        return len(self.inputs)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over shape, type and bytes of inputs and targets, hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.targets):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            for block in blocks(array):
                digest.update(np.ascontiguousarray(block).data)
        return digest.hexdigest()

    @property
    def has_targets(self) -> bool:
        """Whether every row has a target."""
        return bool(self.known.all())

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows have a target."""
        if self.layout.task is Task.CLASSIFICATION:
            return np.asarray(self.targets != UNKNOWN_CLASS)
        return np.asarray(~np.isnan(self.targets))

    def counts(self, rows: NDArray[np.int64] | None = None) -> dict[str, int]:
        """Rows per class by the name of the class; empty for regression."""
        if self.layout.task is not Task.CLASSIFICATION:
            return {}
        targets = self.targets if rows is None else self.targets[rows]
        found = np.bincount(targets[targets >= 0], minlength=len(self.layout.classes))
        return {name: int(count) for name, count in zip(self.layout.classes, found, strict=True)}

    def take(self, rows: NDArray[np.int64], *notes: str) -> "Dataset":
        """The data set of some rows, copied, with further notes."""
        return replace(
            self,
            inputs=self.inputs[rows],
            targets=self.targets[rows],
            weights=None if self.weights is None else self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
            times=None if self.times is None else self.times[rows],
            notes=(*self.notes, *notes),
        )


def blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """An array in consecutive pieces of about :data:`BLOCK` bytes."""
    rows = max(1, BLOCK // max(1, array.nbytes // max(1, len(array))))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
