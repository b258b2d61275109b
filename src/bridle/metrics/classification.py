"""Metrics for classes: from codes ``(N,)`` and probabilities ``(N, C)``.

Accuracy and log-loss run after every epoch, so they are plain numpy; the others leave the mathematics to scikit-learn
or to a weighted confusion matrix.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]

BINS = 15
"""Bins of equal width of the calibration error."""


def accuracy(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """The share of rows whose most probable class is the true one."""
    return _mean(probabilities.argmax(1) == targets, weights)


def log_loss(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """Minus the mean log probability of the true class; probabilities are kept at least the type's epsilon from 0."""
    epsilon = np.finfo(probabilities.dtype).eps
    true = probabilities[np.arange(len(targets)), targets] / probabilities.sum(1)
    return _mean(-np.log(np.clip(true, epsilon, 1 - epsilon)), weights)


def balanced_accuracy(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """The mean over the true classes present of the share that is found."""
    matrix = confusion(targets, probabilities, weights)
    rows = matrix.sum(1)
    return float((np.diag(matrix)[rows > 0] / rows[rows > 0]).mean())


def precision(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """The mean over classes of the share of rows called so that are so; 0 for a class that is never called."""
    matrix = confusion(targets, probabilities, weights)
    return _macro(np.diag(matrix), matrix.sum(0), matrix)


def recall(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """The mean over classes of the share that is found."""
    matrix = confusion(targets, probabilities, weights)
    return _macro(np.diag(matrix), matrix.sum(1), matrix)


def f1(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """The mean over classes of the harmonic mean of precision and recall."""
    matrix = confusion(targets, probabilities, weights)
    return _macro(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1), matrix)


def roc_auc(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """The area under the ROC curve; for several classes the mean of one against the rest. NaN if a class is absent."""
    classes = probabilities.shape[1]
    if len(np.unique(targets)) < classes:
        return float("nan")
    if classes == 2:
        return float(roc_auc_score(targets, probabilities[:, 1], sample_weight=weights))
    areas = [roc_auc_score(targets == code, probabilities[:, code], sample_weight=weights) for code in range(classes)]
    return float(np.mean(areas))


def calibration_error(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> float:
    """Expected calibration error: the mean over rows of |accuracy - confidence| of the row's bin of confidence.

    15 bins of equal width. Guo et al. 2017, "On calibration of modern neural networks".
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == targets
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    mass = np.ones(len(targets)) if weights is None else weights
    gaps = np.bincount(bins, weights=mass * (right - confidence), minlength=BINS)
    return float(np.abs(gaps).sum() / mass.sum())


def confusion(targets: Codes, probabilities: Numbers, weights: Numbers | None = None) -> Numbers:
    """Weight of the true classes (rows) against the most probable ones (columns), ``(C, C)``."""
    classes = probabilities.shape[1]
    cells = targets * classes + probabilities.argmax(1)
    counted = np.bincount(cells, weights=weights, minlength=classes * classes)
    return counted.reshape(classes, classes).astype(np.float64)


def _macro(above: Numbers, below: Numbers, matrix: Numbers) -> float:
    """The mean ratio over the classes that occur among targets or predictions; 0 where nothing is below."""
    occurs = matrix.sum(0) + matrix.sum(1) > 0
    ratios = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return float(ratios[occurs].mean())


def _mean(values: NDArray[np.bool_] | Numbers, weights: Numbers | None) -> float:
    return float(np.average(values, weights=weights))
