"""A metric under many weightings of the same rows at once, as a bootstrap needs it.

Legend of the axes: ``R`` weightings, ``N`` rows, ``S`` predictions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridle.metrics.metric import Metric

Numbers: TypeAlias = NDArray[np.float64]
Weighted: TypeAlias = Callable[[Numbers], Numbers]
"""From weights ``(N, R)`` to the metric's values ``(R,)``."""

FEWER = 500
"""Resamples at most of a metric that is no mean over rows."""
FEWEST = 100
"""Resamples at least, however many rows there are."""
MEANS_WORK = 10**8
"""Rows times resamples at most, for means over rows ..."""
OTHER_WORK = 10**7
"""... and for the other metrics."""
CHUNK = 500_000
"""Weights that are held at once."""


def _log_losses(targets: NDArray[Any], probabilities: Numbers) -> Numbers:
    epsilon = np.finfo(probabilities.dtype).eps
    true: Numbers = probabilities[np.arange(len(targets)), targets] / probabilities.sum(1)
    return -np.log(np.clip(true, epsilon, 1 - epsilon))


_ROWS: Mapping[str, Callable[[NDArray[Any], Numbers], NDArray[Any]]] = MappingProxyType(
    {
        "log_loss": _log_losses,
        "accuracy": lambda targets, probabilities: probabilities.argmax(1) == targets,
        "mae": lambda targets, predictions: np.abs(targets - predictions),
        "rmse": lambda targets, predictions: np.square(targets - predictions),
    }
)
"""Metrics that are the weighted mean of these values of the rows (``rmse`` is its root)."""


def resampled(
    metric: Metric,
    targets: NDArray[Any],
    predictions: Sequence[Numbers],
    weights: Numbers | None,
    n: int,
    rng: np.random.Generator,
) -> Numbers:
    """The metric of each prediction on the same resampled rows: ``(R, S)``.

    Means over rows get ``n`` resamples, or as many as 10^8 rows in all allow; other metrics at most 500, or as many
    as 10^7 rows allow; never fewer than 100 (or ``n``).
    """
    most, work = (n, MEANS_WORK) if is_mean(metric) else (min(n, FEWER), OTHER_WORK)
    number = min(n, max(FEWEST, min(most, work // len(targets))))
    under = [under_weights(metric, targets, predicted) for predicted in predictions]
    chunks = counts(number, len(targets), rng)
    weighted = (drawn if weights is None else drawn * weights[:, None] for drawn in chunks)
    return np.concatenate([np.stack([values(weights_NR) for values in under], axis=1) for weights_NR in weighted])


def is_mean(metric: Metric) -> bool:
    """Whether the metric is a mean over rows, or its root: then many weightings cost little."""
    return metric.name in _ROWS


def under_weights(metric: Metric, targets: NDArray[Any], predictions: Numbers) -> Weighted:
    """The metric of one prediction as a function of the rows' weights."""
    if is_mean(metric):
        rows = _ROWS[metric.name](targets, predictions).astype(np.float64)
        return _mean(rows, root=metric.name == "rmse")
    if metric.name == "roc_auc":
        classes = [1] if predictions.shape[1] == 2 else range(predictions.shape[1])
        areas = [_area(targets == code, predictions[:, code]) for code in classes]
        return lambda weights_NR: np.mean([area(weights_NR) for area in areas], axis=0)
    return lambda weights_NR: np.array([metric(targets, predictions, weights) for weights in weights_NR.T.copy()])


def counts(resamples: int, rows: int, rng: np.random.Generator) -> Iterator[Numbers]:
    """How often each row was drawn, ``(N, R)``, a chunk of resamples at a time."""
    size = max(1, CHUNK // rows)
    for start in range(0, resamples, size):
        now = min(size, resamples - start)
        cells = rng.integers(rows, size=(rows, now)) * now + np.arange(now)
        yield np.bincount(cells.ravel(), minlength=rows * now).reshape(rows, now).astype(np.float64)


def _mean(rows: Numbers, *, root: bool) -> Weighted:
    def mean(weights_NR: Numbers) -> Numbers:
        # Not `@`: threads of BLAS that wait for each other on a busy machine made it 80 times slower.
        means: Numbers = np.einsum("n,nr->r", rows, weights_NR) / weights_NR.sum(0)
        return np.sqrt(means) if root else means

    return mean


def _area(positive: NDArray[np.bool_], scores: Numbers) -> Weighted:
    """The area under the ROC curve: the share of pairs in the right order, ties counting half."""
    negatives, positives = np.flatnonzero(~positive), np.flatnonzero(positive)
    negatives = negatives[np.argsort(scores[negatives])]
    below, up_to = (np.searchsorted(scores[negatives], scores[positives], side=side) for side in ("left", "right"))

    def area(weights_NR: Numbers) -> Numbers:
        passed_NR = np.zeros((len(negatives) + 1, weights_NR.shape[1]))
        np.cumsum(weights_NR[negatives], axis=0, out=passed_NR[1:])
        right = (weights_NR[positives] * (passed_NR[below] + passed_NR[up_to])).sum(0) / 2
        pairs = weights_NR[positives].sum(0) * passed_NR[-1]
        areas: Numbers = np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return areas

    return area
