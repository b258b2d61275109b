"""What the report draws of the final model: confusion or residuals, and the weights before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridle.core.scope import kind_of, parameters
from bridle.data.dataset import Dataset
from bridle.engine.member import MemberTraining
from bridle.engine.setting import Setting
from bridle.engine.trained import trained
from bridle.population import Member
from bridle.records import Confusion, Histogram, Residuals, Task

BINS, MOST_WEIGHTS, MOST_RESIDUALS = 60, 12, 2000


def confusion(test: Dataset, rows: NDArray[np.int64], predicted: Sequence[NDArray[np.float64]]) -> Confusion | None:
    """Mean counts over seeds of true (rows) against predicted (columns) classes."""
    if test.layout.task is not Task.CLASSIFICATION:
        return None
    classes = test.layout.classes
    counts = np.zeros((len(classes), len(classes)))
    for probabilities in predicted:
        np.add.at(counts, (test.targets[rows], probabilities.argmax(1)), 1.0 / len(predicted))
    return Confusion(classes, tuple(tuple(float(count) for count in row) for row in counts))


def residuals(test: Dataset, rows: NDArray[np.int64], predicted: Sequence[NDArray[np.float64]]) -> Residuals | None:
    """True and predicted values of evenly spaced test rows, from the first seed."""
    if test.layout.task is not Task.REGRESSION:
        return None
    some = np.linspace(0, len(rows) - 1, min(len(rows), MOST_RESIDUALS)).astype(int)
    return Residuals(
        tuple(float(value) for value in test.targets[rows][some]), tuple(float(value) for value in predicted[0][some])
    )


def histograms(member: Member, setting: Setting) -> tuple[Histogram, ...]:
    """The matrices of the final model before and after training, the first :data:`MOST_WEIGHTS` of them."""
    before = _matrices(MemberTraining(member, setting).model)
    after = _matrices(trained(member, setting).model)
    return tuple(_histogram(name, before[name], after[name]) for name in list(after)[:MOST_WEIGHTS])


def _matrices(model: Any) -> dict[str, NDArray[np.float32]]:
    return {
        full: weight.detach().cpu().float().numpy().ravel()
        for full, (module, name, weight) in parameters(model).items()
        if kind_of(module, name, weight) == "matrices"
    }


def _histogram(name: str, before: NDArray[np.float32], after: NDArray[np.float32]) -> Histogram:
    widest = float(max(np.abs(before).max(), np.abs(after).max(), 1e-12))
    edges = np.linspace(-widest, widest, BINS + 1)
    return Histogram(
        name,
        tuple(float(edge) for edge in edges),
        tuple(int(count) for count in np.histogram(before, edges)[0]),
        tuple(int(count) for count in np.histogram(after, edges)[0]),
        float((after == 0).mean()),
    )
