"""The learning curve: the score against the number of training rows, and a power law through it."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import ndtri, stdtrit

from bridle.choosing.statistics import LEVEL, corrected_t
from bridle.core import Recipe, StopRule
from bridle.errors import SearchError
from bridle.records import CurvePoint, Estimate, LearningCurve, PowerLaw

Floats = NDArray[np.float64]

SHARES = (0.125, 0.25, 0.5, 0.75, 1.0)
"""Shares of a fold's training rows."""

STEEPEST = 3.0
"""The largest exponent: those of learning curves lie between 0 and 1, rarely above."""

SLOWEST = 0.02
"""The smallest exponent; a slower law cannot be told from a line in the logarithm of the rows."""

RESAMPLES = 500
STEPS = 24
"""Numbers of rows at which the fitted law is given."""


def part_recipe(recipe: Recipe, share: float) -> Recipe:
    """The recipe for a share of the training rows: as many examples are seen, each row so much more often.

    It has no patience: every size is scored at the best epoch of its own mean curve.
    """
    epochs = math.ceil(recipe.training.epochs / share)
    return recipe.replace(training=recipe.training.replace(epochs=epochs, stop_after=0), without=StopRule)


def fit_power_law(
    rows: Sequence[float], scores: Sequence[float], errors: Sequence[float] | None = None, *, higher_is_better: bool
) -> PowerLaw:
    """The least-squares ``limit + scale * rows ** -exponent`` that does not get worse with more rows.

    For a given exponent limit and scale are linear; the exponent is searched in [0.02, 3]. The limit is at least 0
    where lower is better, at most 1 where higher is. Where more rows do not help, the law is flat.

    Args:
        rows: At least three different numbers of rows.
        scores: The metric at each.
        errors: The standard error of each, which weighs it; ``None`` weighs all alike.
        higher_is_better: Which way the metric points.

    Raises:
        SearchError: If there are fewer than three numbers of rows, or a score is not finite.

    Reference: Hestness et al. 2017, "Deep learning scaling is predictable, empirically"; Viering and Loog 2023, "The
    shape of learning curves: a review".
    """
    x, y = np.asarray(rows, np.float64), np.asarray(scores, np.float64)
    if len(np.unique(x)) < 3 or not np.isfinite(y).all():
        raise SearchError(
            f"A power law needs finite scores at three or more numbers of training rows; got {y.tolist()} at "
            f"{x.tolist()}. Allow more sizes, or bring more rows."
        )
    return _fit(x, y, _weights(np.ones_like(x) if errors is None else np.asarray(errors)), higher_is_better)


def _weights(errors: Floats) -> Floats:
    """Weights that add up to one; none is a hundred times another's, since errors are themselves estimates."""
    least = 0.1 * float(errors.max())
    inverse = 1 / np.square(np.maximum(errors, least)) if least > 0 else np.ones_like(errors)
    weights: Floats = inverse / inverse.sum()
    return weights


def _fit(x: Floats, y: Floats, weights: Floats, higher_is_better: bool) -> PowerLaw:
    ideal, sign = (1.0, -1.0) if higher_is_better else (0.0, 1.0)
    mean = float(weights @ y)

    def line(log_exponent: float) -> tuple[float, float, float]:
        """Squared error, limit and slope at an exponent; numbers of rows in units of the smallest."""
        powers = (x / x[0]) ** -math.exp(log_exponent)
        middle = float(weights @ powers)
        slope = float(weights @ ((powers - middle) * (y - mean)) / (weights @ np.square(powers - middle)))
        if sign * slope < 0:
            slope = 0.0
        limit = mean - slope * middle
        if sign * (limit - ideal) < 0 and slope:
            limit, slope = ideal, float(weights @ (powers * (y - ideal)) / (weights @ np.square(powers)))
        return float(weights @ np.square(y - limit - slope * powers)), limit, slope

    bounds = (math.log(SLOWEST), math.log(STEEPEST))
    found = minimize_scalar(lambda at: line(at)[0], bounds=bounds, method="bounded", options={"xatol": 1e-6})
    _, limit, slope = line(float(found.x))
    exponent = math.exp(found.x) if slope else 0.0
    return PowerLaw(limit, slope * float(x[0]) ** exponent, exponent)


def at_rows(law: PowerLaw, rows: float) -> float:
    """The law at a number of rows."""
    return float(law.limit + law.scale * rows**-law.exponent)


def learning_curve(
    rows: Sequence[float],
    scores_SJ: Floats,
    epochs: Sequence[int],
    *,
    all_rows: int,
    score_rows: float,
    higher_is_better: bool,
    seed: int,
) -> LearningCurve:
    """The curve, the power law through its means, and what twice the data would buy.

    Intervals of the law: splits are resampled whole, each with its scores at all sizes, and the percentile interval is
    stretched so that for a mean it is as wide as that of the corrected resampled t-test. They hold as far as the law
    does: it is an extrapolation.

    Args:
        rows: The number of training rows at each size, ascending; the last is that of a whole fold.
        scores_SJ: The metric, one row per size and one column per split.
        epochs: The epoch of each size.
        all_rows: The training rows that there are in all.
        score_rows: Rows that one split is scored on.
        higher_is_better: Which way the metric points.
        seed: The seed of the resampling.

    Raises:
        SearchError: If there are fewer than three sizes or a training failed.
    """
    x, splits = np.asarray(rows, np.float64), scores_SJ.shape[1]
    errors = scores_SJ.std(axis=1, ddof=1) if splits > 1 else np.ones(len(x))
    means, weights = scores_SJ.mean(axis=1), _weights(errors)
    law = fit_power_law(rows, means.tolist(), errors.tolist(), higher_is_better=higher_is_better)
    picks = np.random.default_rng(seed).integers(splits, size=(RESAMPLES if splits > 1 else 0, splits))
    laws = [_fit(x, scores_SJ[:, pick].mean(axis=1), weights, higher_is_better) for pick in picks]
    stretch = _stretch(splits, score_rows / float(x[-1]))

    def estimate(value: float, drawn: Sequence[float]) -> Estimate:
        if not drawn:
            return Estimate(value)
        low, high = value + stretch * (np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - value)
        return Estimate(value, float(low), float(high))

    def of_law(at: float) -> Estimate:
        return estimate(at_rows(law, at), [at_rows(drawn, at) for drawn in laws])

    def gain(of: PowerLaw) -> float:
        worse = at_rows(of, all_rows) - at_rows(of, 2 * all_rows)
        return -worse if higher_is_better else worse

    measured = [corrected_t(scores, x[-1], score_rows) for scores in scores_SJ.tolist()]
    return LearningCurve(
        points=tuple(CurvePoint(*point) for point in zip(x.tolist(), measured, epochs, strict=True)),
        law=law,
        fitted=tuple(CurvePoint(at, of_law(at)) for at in np.geomspace(x[0], 2 * all_rows, STEPS).tolist()),
        rows=all_rows,
        doubled=of_law(2 * all_rows),
        gain=estimate(gain(law), [gain(drawn) for drawn in laws]),
        splits=splits,
    )


def _stretch(splits: int, ratio: float) -> float:
    """What makes the bootstrap interval of a mean that of the corrected resampled t-test."""
    if splits < 2:
        return 1.0
    variance = (1 / splits + ratio) * splits**2 / (splits - 1)
    return math.sqrt(variance) * float(stdtrit(splits - 1, (1 + LEVEL) / 2) / ndtri((1 + LEVEL) / 2))
