"""Parts of the training rows: nested ones for a learning curve, complementary halves for stability selection."""

from collections.abc import Sequence

import numpy as np

from bridle.data.dataset import Dataset
from bridle.data.strata import Rows, random_state, strata
from bridle.errors import DataError
from bridle.records import Fold, Mark, Task

FEWEST = 5
"""A part holds at least so many rows."""


def nested(dataset: Dataset, fold: Fold, shares: Sequence[float], seed: int) -> list[Fold]:
    """The fold with each share of its training rows, every part within the next larger one, the same rows scored.

    A part holds classes (or quantiles) evenly and at least one row of each. Whole groups are taken where there are
    groups, the latest rows where there are times. Each part has a number of its own.

    Args:
        dataset: All rows.
        fold: The fold whose training rows are divided.
        shares: In (0, 1], ascending.
        seed: What the order depends on.

    Raises:
        DataError: If the smallest part is too small, or lacks a class.
    """
    rows = _ordered(dataset, fold.rows(Mark.TRAIN), random_state(seed, 3, fold.number + 1))
    parts = []
    for place, share in enumerate(shares):
        part = rows[: _cut(dataset, rows, max(1, round(share * len(rows))))]
        _check(dataset, part, rows, f"the smallest part of the learning curve ({share:.3g} of a fold's training rows)")
        marks = fold.marks.copy()
        marks[rows], marks[part] = Mark.OUT, Mark.TRAIN
        parts.append(Fold(fold.number * len(shares) + place, marks))
    return parts


def halves(dataset: Dataset, rows: Rows, pairs: int, seed: int) -> list[Fold]:
    """Pairs of complementary halves of the rows, one after the other; nothing is scored.

    Each half holds classes (or quantiles) evenly, and whole groups where there are groups.

    Raises:
        DataError: If a half is too small, or lacks a class.
    """
    made: list[Fold] = []
    for pair in range(pairs):
        for half in _halved(dataset, rows, random_state(seed, 4, pair)):
            _check(dataset, half, rows, "a half of the training rows")
            marks = np.full(len(dataset), Mark.OUT, dtype=np.int8)
            marks[half] = Mark.TRAIN
            made.append(Fold(len(made), marks))
    return made


def _ordered(dataset: Dataset, rows: Rows, seed: int) -> Rows:
    """The rows in an order whose beginnings are even: of each stratum the first row comes first."""
    if dataset.times is not None:
        return rows[np.argsort(-np.asarray(dataset.times)[rows], kind="stable")]
    shuffled = rows[np.random.default_rng(seed).permutation(len(rows))]
    if dataset.groups is not None:
        _, first, own = np.unique(dataset.groups[shuffled], return_index=True, return_inverse=True)
        return shuffled[np.argsort(first[own], kind="stable")]
    labels = strata(dataset, shuffled, 2)
    by_label = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[by_label], labels[by_label], side="left")
    ranks = np.arange(len(rows)) - starts
    return shuffled[by_label[np.argsort(ranks / np.bincount(labels)[labels[by_label]], kind="stable")]]


def _cut(dataset: Dataset, rows: Rows, count: int) -> int:
    """Where to end a part of about so many rows: with a whole group."""
    if dataset.groups is None or dataset.times is not None:
        return count
    groups = dataset.groups[rows]
    while count < len(rows) and groups[count] == groups[count - 1]:
        count += 1
    return count


def _halved(dataset: Dataset, rows: Rows, seed: int) -> tuple[Rows, Rows]:
    shuffled = rows[np.random.default_rng(seed).permutation(len(rows))]
    if dataset.groups is not None:
        ordered = _ordered(dataset, rows, seed)
        cut = _cut(dataset, ordered, max(1, len(rows) // 2))
        return np.sort(ordered[:cut]), np.sort(ordered[cut:])
    by_label = shuffled[np.argsort(strata(dataset, shuffled, 2), kind="stable")]
    return np.sort(by_label[::2]), np.sort(by_label[1::2])


def _check(dataset: Dataset, part: Rows, rows: Rows, what: str) -> None:
    if len(part) < FEWEST:
        raise DataError(
            f"{dataset.name}: {what} holds {len(part)} rows; at least {FEWEST} are needed. Bring more rows."
        )
    if dataset.layout.task is not Task.CLASSIFICATION:
        return
    missing = np.setdiff1d(dataset.targets[rows], dataset.targets[part])
    if len(missing):
        name = dataset.layout.classes[int(missing[0])]
        raise DataError(
            f"{dataset.name}: {what} holds {len(part)} rows and lacks class {name!r}. Bring more rows of it, or merge "
            "it into another class."
        )
