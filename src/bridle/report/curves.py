"""Curves over epochs: the mean over folds and seeds, short enough to draw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridle.records import Outcome

METRICS = ("clean", "score", "watch")
POINTS = 400


@dataclass(frozen=True)
class MeanCurve:
    """The mean of one series over several trainings.

    Args:
        epochs: The epochs, counted from 1, that are drawn.
        values: The mean over the trainings that reached each of them, finite everywhere.
        members: How many trainings there are.
    """

    epochs: tuple[int, ...]
    values: tuple[float, ...]
    members: int


def mean_curve(outcomes: tuple[Outcome, ...], series: str) -> MeanCurve | None:
    """The mean of ``series`` over ``outcomes``; ``None`` where none of them has a finite value of it.

    A training that early stopping ended carries its restored metric on, as its score does; its other series just end.
    """
    having = [outcome for outcome in outcomes if outcome.curves.series.get(series)]
    if not having:
        return None
    length = max(outcome.curves.epochs for outcome in having)
    values = _mean(np.stack([_padded(outcome, series, length) for outcome in having]))
    epochs = np.flatnonzero(np.isfinite(values))
    if not epochs.size:
        return None
    drawn = epochs[_thinned(epochs.size)]
    return MeanCurve(tuple((drawn + 1).tolist()), tuple(values[drawn].tolist()), len(having))


def validation_curve(outcomes: tuple[Outcome, ...]) -> MeanCurve | None:
    """The metric on rows that were not trained on: the score rows, or the watch rows where nothing was scored."""
    return mean_curve(outcomes, "score") or mean_curve(outcomes, "watch")


def _padded(outcome: Outcome, series: str, length: int) -> NDArray[np.float64]:
    values = np.asarray(outcome.curves.series[series], dtype=np.float64)
    carried = series in METRICS and outcome.stopped is not None and 0 < outcome.stopped <= values.size
    filler = values[outcome.stopped - 1] if carried and outcome.stopped is not None else np.nan
    return np.concatenate([values, np.full(length - values.size, filler)])


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = np.isfinite(values)
    total = np.where(finite, values, 0.0).sum(axis=0)
    members = finite.sum(axis=0)
    return np.where(members > 0, total / np.maximum(members, 1), np.nan)


def _thinned(size: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, size - 1, min(POINTS, size)).round().astype(np.int64))
