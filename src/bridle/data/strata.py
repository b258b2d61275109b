"""Which rows belong together, and which must be spread evenly: what folds and the test split share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from bridle.data.dataset import Dataset
from bridle.errors import DataError
from bridle.records import Task

Rows = NDArray[np.int64]


def strata(dataset: Dataset, rows: Rows, parts: int) -> Rows:
    """A label per row that each part should hold evenly: the class, or the quantile of a number.

    Args:
        dataset: All rows.
        rows: The rows that are divided.
        parts: Into how many parts; a quantile holds at least as many rows.
    """
    targets = dataset.targets[rows]
    if dataset.layout.task is Task.CLASSIFICATION:
        return np.asarray(targets, dtype=np.int64)
    bins = max(1, min(10, len(rows) // parts))
    ranks = np.empty(len(rows), dtype=np.int64)
    ranks[np.argsort(targets, kind="stable")] = np.arange(len(rows))
    return ranks * bins // len(rows)


def share_of(dataset: Dataset, rows: Rows, share: float, seed: int) -> Rows:
    """About ``share`` of the rows, ascending: by stratum, by whole groups, or the last in time.

    Raises:
        DataError: If there are too few rows, groups or times to leave some on both sides.
    """
    if not 0 < share < 1:
        raise DataError(f"The share of rows to split off must lie in (0, 1); got {share}.")
    if len(rows) < 2:
        raise DataError(f"{dataset.name}: splitting rows off needs at least 2 rows; got {len(rows)}. Bring more rows.")
    if dataset.times is not None:
        return _last(dataset.name, dataset.times[rows], rows, share)
    labels = strata(dataset, rows, max(2, round(1 / share)))
    if dataset.groups is not None:
        return _groups(dataset.name, dataset.groups[rows], labels, rows, share, seed)
    return _even(labels, rows, share, seed)


def _even(labels: Rows, rows: Rows, share: float, seed: int) -> Rows:
    """A share of each stratum, by largest remainders; every stratum keeps at least one row on the other side."""
    order = np.random.default_rng([seed, 1]).permutation(len(rows))
    names, sizes = np.unique(labels, return_counts=True)
    counts = np.floor(sizes * share).astype(np.int64)
    lacking = max(0, max(1, round(share * len(rows))) - int(counts.sum()))
    counts[np.argsort(counts - sizes * share, kind="stable")[:lacking]] += 1
    counts = np.minimum(counts, sizes - 1)
    if not counts.any():
        return rows[order[:1]]
    shuffled = labels[order]
    chosen = [order[shuffled == name][:count] for name, count in zip(names, counts, strict=True)]
    picked: Rows = rows[np.sort(np.concatenate(chosen))]
    return picked


def _groups(name: str, groups: Rows, labels: Rows, rows: Rows, share: float, seed: int) -> Rows:
    parts = min(max(2, round(1 / share)), len(np.unique(groups)))
    if parts < 2:
        raise DataError(
            f"{name}: splitting rows off by group needs at least 2 groups; got 1. Name another group column, or none."
        )
    chosen: Rows = rows[group_parts(labels, groups, parts, random_state(seed, 1))[0]]
    return chosen


def group_parts(labels: Rows, groups: Rows, parts: int, state: int) -> list[Rows]:
    """Positions divided into parts of whole groups, with strata as even as whole groups can be.

    Strata with fewer rows than parts are counted to the largest one: scikit-learn would warn of them.
    """
    sizes = np.bincount(labels)
    labels = np.where(sizes[labels] < parts, sizes.argmax(), labels)
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=state)
    return [np.asarray(part, dtype=np.int64) for _, part in splitter.split(labels, labels, groups)]


def _last(name: str, times: NDArray[Any], rows: Rows, share: float) -> Rows:
    earlier, later = time_parts(times, (1 - share,))
    if not len(earlier) or not len(later):
        raise DataError(
            f"{name}: splitting off the last rows needs at least 2 different times on either side of the cut; nearly "
            "all rows have the same time. Name another time column, or none."
        )
    last: Rows = rows[later]
    return last


def time_parts(times: NDArray[Any], cuts: tuple[float, ...]) -> list[Rows]:
    """Positions, ascending within each part, cut in time order near the given shares; equal times are never parted."""
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    places = [min(round(cut * len(times)), len(times) - 1) for cut in cuts]
    starts = [int(np.searchsorted(ordered, ordered[place], side="left")) for place in places]
    return [np.sort(part).astype(np.int64) for part in np.split(order, starts)]


def random_state(seed: int, *more: int) -> int:
    """A 32-bit seed for scikit-learn from whole numbers."""
    return int(np.random.SeedSequence([abs(seed), *more]).generate_state(1)[0])
