"""Statistics of some rows of a data set, read in blocks."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridle.data.dataset import BLOCK, Dataset
from bridle.records import Task

Rows = NDArray[np.int64]

NORMAL = 1.349
"""Interquartile range of a normal distribution in standard deviations."""

SAMPLE_ROWS = 500_000
"""Medians and quartiles of a table are taken from at most this many rows, evenly spaced: their error is then below
0.002 standard deviations."""

SAMPLE_PIXELS = 2**26
"""Means of image channels are taken from at most about this many numbers."""


def robust_columns(
    inputs: NDArray[np.float32], rows: Rows, columns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median and scale of the leading columns, missing values aside.

    The scale is the interquartile range over 1.349; where that is 0 the standard deviation, and where that is 0 too, 1.
    """
    values = inputs[_spaced(rows, SAMPLE_ROWS), :columns]
    centre, scale = np.zeros(columns, np.float32), np.ones(columns, np.float32)
    for place in range(columns):
        column = values[:, place].astype(np.float64)
        column = column[~np.isnan(column)]
        if not len(column):
            continue
        low, centre[place], high = np.quantile(column, [0.25, 0.5, 0.75])
        spread = np.float32((high - low) / NORMAL) or np.float32(column.std())
        if spread > 0 and np.isfinite(1 / spread):
            scale[place] = spread
    return centre, scale


def codes_seen(inputs: NDArray[np.float32], rows: Rows, cardinalities: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which codes the trailing columns hold, one column after the other; code 0 (unknown) never counts."""
    seen = np.zeros(sum(cardinalities), dtype=np.bool_)
    if not cardinalities:
        return seen
    offsets = np.cumsum([0, *cardinalities])[:-1]
    for block in _row_blocks(inputs, rows):
        seen[block[:, -len(cardinalities) :].astype(np.int64) + offsets] = True
    seen[offsets] = False
    return seen


def channel_moments(
    images: NDArray[Any], rows: Rows, low: float, high: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each channel, with ``low`` as 0 and ``high`` as 1; a deviation of 0 becomes 1."""
    size = int(np.prod(images.shape[1:]))
    rows = _spaced(rows, max(1, SAMPLE_PIXELS // size))
    total, squares = np.zeros(images.shape[1]), np.zeros(images.shape[1])
    for block in _row_blocks(images, rows):
        scaled = (block.astype(np.float64) - low) / (high - low)
        total += scaled.sum((0, 2, 3))
        squares += np.square(scaled).sum((0, 2, 3))
    count = len(rows) * size / images.shape[1]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return mean.astype(np.float32), np.where(deviation > 1e-6, deviation, 1).astype(np.float32)


def target_moments(dataset: Dataset, rows: Rows) -> NDArray[np.float64]:
    """Mean and standard deviation of the numbers to predict; 0 and 1 for classes, and a deviation of 0 becomes 1."""
    if dataset.layout.task is Task.CLASSIFICATION:
        return np.array([0.0, 1.0])
    targets = dataset.targets[rows]
    deviation = float(targets.std())
    return np.array([targets.mean(), deviation if deviation > 0 else 1.0])


def _spaced(rows: Rows, most: int) -> Rows:
    """All rows, or ``most`` of them at even distances."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _row_blocks(array: NDArray[Any], rows: Rows) -> Iterator[NDArray[Any]]:
    """The chosen rows in pieces of about :data:`~bridle.data.dataset.BLOCK` bytes."""
    count = max(1, BLOCK // max(1, array[:1].nbytes))
    for start in range(0, len(rows), count):
        yield array[rows[start : start + count]]
