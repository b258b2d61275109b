"""Metrics for numbers: from targets ``(N,)`` and predictions ``(N,)``, plain numpy."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def rmse(targets: Numbers, predictions: Numbers, weights: Numbers | None = None) -> float:
    """The root of the mean squared error, in the target's unit."""
    return float(np.sqrt(np.average(np.square(targets - predictions), weights=weights)))


def mae(targets: Numbers, predictions: Numbers, weights: Numbers | None = None) -> float:
    """The mean absolute error, in the target's unit."""
    return float(np.average(np.abs(targets - predictions), weights=weights))


def r2(targets: Numbers, predictions: Numbers, weights: Numbers | None = None) -> float:
    """1 minus the mean squared error over the variance of the targets; NaN where they do not vary."""
    variance = np.average(np.square(targets - np.average(targets, weights=weights)), weights=weights)
    if variance == 0:
        return float("nan")
    return float(1 - np.average(np.square(targets - predictions), weights=weights) / variance)
