"""Folds: stratified by class or quantile, by whole groups, or in time order."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from bridle.data.dataset import Dataset
from bridle.data.strata import Rows, group_parts, random_state, share_of, strata, time_parts
from bridle.errors import DataError
from bridle.records import Fold, Mark, Task

WHOLE = -1
"""The number of the fold that trains on all rows."""


def make_folds(
    dataset: Dataset,
    rows: Rows,
    folds: int = 5,
    seed: int = 0,
    repeats: int = 1,
    *,
    watch: bool = False,
    spread: bool = False,
) -> list[Fold]:
    """Divide rows into folds; each row is scored once per repeat (in time order: each row but the first part).

    Args:
        dataset: All rows.
        rows: The rows to divide; every other row is marked OUT.
        folds: How many folds, at least 2.
        seed: What the division depends on.
        repeats: How many divisions.
        watch: Whether a tenth of each fold's training rows is marked WATCH.
        spread: Whether a class with fewer rows than folds is spread over as many folds as it has rows, in place of an
            error: the other folds do not score it.

    Raises:
        DataError: If there are too few rows, rows of a class, groups or times for so many folds, or a fold would train
            on no row of some class.
    """
    _check(dataset, rows, folds, repeats)
    if dataset.layout.task is Task.CLASSIFICATION and dataset.times is None and not spread:
        _check_classes(dataset, rows, folds)
    made: list[Fold] = []
    for repeat in range(repeats):
        for train, score in _divisions(dataset, rows, folds, random_state(seed, repeat)):
            _check_trained(dataset, rows, train, len(made))
            fold = Fold(len(made), _marks(len(dataset), train, score))
            made.append(with_watch(fold, dataset, seed) if watch else fold)
    return made


def with_watch(fold: Fold, dataset: Dataset, seed: int = 0, share: float = 0.1) -> Fold:
    """The fold with a share of its training rows marked WATCH: stratified, by whole groups, or the last in time."""
    marks = fold.marks.copy()
    marks[share_of(dataset, fold.rows(Mark.TRAIN), share, random_state(seed, 2, fold.number + 1))] = Mark.WATCH
    return Fold(fold.number, marks)


def whole(dataset: Dataset, rows: Rows, seed: int = 0, *, watch: bool = False) -> Fold:
    """All rows for training, for the refit; every other row is marked OUT."""
    fold = Fold(WHOLE, _marks(len(dataset), rows, rows[:0]))
    return with_watch(fold, dataset, seed) if watch else fold


def _marks(count: int, train: Rows, score: Rows) -> NDArray[np.int8]:
    marks = np.full(count, Mark.OUT, dtype=np.int8)
    marks[train], marks[score] = Mark.TRAIN, Mark.SCORE
    return marks


def _divisions(dataset: Dataset, rows: Rows, folds: int, state: int) -> list[tuple[Rows, Rows]]:
    if dataset.times is not None:
        return _in_time(dataset.name, dataset.times[rows], rows, folds)
    labels = strata(dataset, rows, folds)
    if dataset.groups is not None:
        parts = group_parts(labels, dataset.groups[rows], folds, state)
    else:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=state)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # the caller asked to spread it
            parts = [part for _, part in splitter.split(labels, labels)]
    return [(np.delete(rows, part), rows[part]) for part in parts]


def _in_time(name: str, times: NDArray[Any], rows: Rows, folds: int) -> list[tuple[Rows, Rows]]:
    """An expanding window: fold ``k`` trains on parts 0 to ``k`` and scores part ``k + 1``."""
    parts = time_parts(times, tuple(part / (folds + 1) for part in range(1, folds + 1)))
    if not all(len(part) for part in parts):
        raise DataError(
            f"{name}: {folds} folds in time order need at least {folds + 1} well spread times; the column holds "
            f"{len(np.unique(times))} different ones. Use fewer folds, or a finer time column."
        )
    return [(rows[np.sort(np.concatenate(parts[: k + 1]))], rows[parts[k + 1]]) for k in range(folds)]


def _check(dataset: Dataset, rows: Rows, folds: int, repeats: int) -> None:
    if folds < 2:
        raise DataError(f"folds must be at least 2; got {folds}.")
    if repeats < 1:
        raise DataError(f"repeats must be at least 1; got {repeats}.")
    if repeats > 1 and dataset.times is not None:
        raise DataError(
            f"In time order there is one division only, so repeats must be 1; got {repeats}. Use more folds instead."
        )
    if len(rows) < folds:
        raise DataError(
            f"{dataset.name}: {folds} folds need at least as many rows; there are {len(rows)} rows for training. "
            "Use fewer folds or bring more rows."
        )
    if dataset.groups is not None:
        _check_groups(dataset.name, dataset.groups[rows], folds)


def _check_trained(dataset: Dataset, rows: Rows, train: Rows, number: int) -> None:
    """Refuse a fold that would score rows of a class that its network never saw: groups and times can do that."""
    if dataset.layout.task is not Task.CLASSIFICATION or (dataset.groups is None and dataset.times is None):
        return
    missing = np.setdiff1d(dataset.targets[rows], dataset.targets[train])
    if len(missing):
        by = "earlier rows" if dataset.times is not None else "other groups"
        raise DataError(
            f"{dataset.name}: fold {number} would train on no row of class {dataset.layout.classes[missing[0]]!r}, of "
            f"which there are none in {by}. Use another number of folds, another column for groups or time, or merge "
            "the class into another."
        )


def _check_groups(name: str, groups: Rows, folds: int) -> None:
    count = len(np.unique(groups))
    if count < folds:
        advice = f"Use --folds {count} or fewer" if count >= 2 else "Bring rows of more groups"
        raise DataError(
            f"{name}: {folds} folds by group need at least as many groups; there are {count} among the training rows. "
            f"{advice}, or another group column."
        )


def _check_classes(dataset: Dataset, rows: Rows, folds: int) -> None:
    counts = {name: count for name, count in dataset.counts(rows).items() if count}
    name = min(counts, key=lambda key: counts[key])
    if counts[name] >= folds:
        return
    fewer = f"use --folds {counts[name]} or fewer, " if counts[name] >= 2 else ""
    raise DataError(
        f"{dataset.name}: class {name!r} has {counts[name]} row(s) among the {len(rows)} training rows, fewer than the "
        f"{folds} folds: it would be missing from some of them. Either {fewer}bring more rows of it, or merge it into "
        "another class."
    )
