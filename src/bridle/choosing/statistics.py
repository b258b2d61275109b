"""How sure a result is: bootstrap over test rows and refit seeds, and the t-test for resampled folds."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bridle.choosing._weightings import Numbers, resampled
from bridle.errors import SearchError
from bridle.metrics.metric import Metric
from bridle.records import Estimate

LEVEL = 0.95
"""The probability that an interval is meant to cover the truth."""


def bootstrap(
    predictions: Sequence[Numbers],
    metric: Metric,
    targets: NDArray[Any],
    weights: Numbers | None = None,
    *,
    seed: int,
    n: int = 2000,
) -> Estimate:
    """The mean over refit seeds of a metric on the test rows, with a 95 % interval over rows and seeds.

    Rows and seeds are resampled independently, the rows with replacement, of S seeds S - 1 with replacement (so that
    the variance is not too small by that factor), and the percentile interval is stretched by Student's t over the
    normal quantile for the degrees of freedom of the two sources together: with many rows and five seeds hardly
    anything where rows decide, by 1.4 where seeds do. It is kept within the resampled values.

    Metrics that are means over rows get ``n`` resamples, others at most 500; fewer on very many rows, at least 100.

    Args:
        predictions: One array per refit seed: probabilities ``(N, C)`` or numbers ``(N,)``.
        metric: The metric.
        targets: ``(N,)``.
        weights: ``(N,)`` weights of the rows, or ``None``.
        seed: The seed of the resampling.
        n: Resamples.

    References: Owen 2007, "The pigeonhole bootstrap"; McCarthy and Snowden 1985 for S - 1 of S; Hesterberg 2015, "What
    teachers should know about the bootstrap", for the stretching.
    """
    rng = np.random.default_rng(seed)
    values = np.array([metric(targets, predicted, weights) for predicted in predictions])
    return _estimate(values, resampled(metric, targets, predictions, weights, n, rng), len(targets), rng)


def paired_difference(
    first: Sequence[Numbers],
    second: Sequence[Numbers],
    metric: Metric,
    targets: NDArray[Any],
    weights: Numbers | None = None,
    *,
    seed: int,
    n: int = 2000,
) -> Estimate:
    """By how much the first is better than the second, whichever way the metric points, as :func:`bootstrap` does.

    Both are scored on the same resampled rows and with the same seeds: what they share cancels.

    Args:
        first: One prediction per refit seed.
        second: The same for the other, seed by seed.
        metric: The metric.
        targets: ``(N,)``.
        weights: ``(N,)`` weights of the rows, or ``None``.
        seed: The seed of the resampling.
        n: Resamples.

    Raises:
        SearchError: If the two have not the same number of seeds.
    """
    seeds = len(first)
    if len(second) != seeds:
        raise SearchError(f"A paired difference needs as many seeds on both sides; got {seeds} and {len(second)}.")
    rng = np.random.default_rng(seed)
    both = [*first, *second]
    sign = 1.0 if metric.higher_is_better else -1.0
    values = np.array([metric(targets, predicted, weights) for predicted in both])
    draws_RS = resampled(metric, targets, both, weights, n, rng)
    differences_RS = sign * (draws_RS[:, :seeds] - draws_RS[:, seeds:])
    return _estimate(sign * (values[:seeds] - values[seeds:]), differences_RS, len(targets), rng)


def corrected_t(differences: Sequence[float], train_rows: float, score_rows: float) -> Estimate:
    """The mean of differences over J distinct splits with its 95 % interval by the corrected resampled t-test.

    The splits share training rows, so the variance of the mean is ``(1/J + score_rows / train_rows)`` times that of the
    differences. Where the same splits made the choice, the result is optimistic and must be labelled so.

    Args:
        differences: One per split; average over seeds first.
        train_rows: Training rows of one split.
        score_rows: Rows that one split is scored on.

    Reference: Nadeau and Bengio 2003, "Inference for the generalization error".
    """
    values = np.asarray(differences, dtype=np.float64)
    splits = len(values)
    mean, single = float(values.mean()), tuple(values.tolist())
    if splits < 2:
        return Estimate(mean, values=single)
    error = math.sqrt((1 / splits + score_rows / train_rows) * float(values.var(ddof=1)))
    reach = error * float(stdtrit(splits - 1, (1 + LEVEL) / 2))
    return Estimate(mean, mean - reach, mean + reach, single)


def _estimate(values: Numbers, draws_RS: Numbers, rows: int, rng: np.random.Generator) -> Estimate:
    """The mean of ``values`` over seeds, with the interval of the resampled rows ``draws_RS``, seeds drawn here."""
    seeds = len(values)
    mean, single = float(values.mean()), tuple(values.tolist())
    picked = rng.integers(seeds, size=(len(draws_RS), max(1, seeds - 1)))
    means = np.take_along_axis(draws_RS, picked, axis=1).mean(axis=1)
    means = means[np.isfinite(means)]
    if not math.isfinite(mean) or len(means) < 2:
        return Estimate(mean, values=single)
    stretch = _stretch(float(means.var()), float(values.var(ddof=1)) / seeds if seeds > 1 else 0.0, rows, seeds)
    ends = mean + stretch * (np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - mean)
    low, high = np.clip(ends, means.min(), means.max()).tolist()
    return Estimate(mean, low, high, single)


def _stretch(total: float, of_seeds: float, rows: int, seeds: int) -> float:
    """Student's t over the normal quantile, for Satterthwaite's degrees of freedom of rows and seeds together."""
    of_rows = max(total - of_seeds, 0.0)
    uncertainty = of_seeds**2 / max(seeds - 1, 1) + of_rows**2 / max(rows - 1, 1)
    if uncertainty == 0:
        return 1.0
    freedom = (of_seeds + of_rows) ** 2 / uncertainty
    return float(stdtrit(freedom, (1 + LEVEL) / 2) / ndtri((1 + LEVEL) / 2))
