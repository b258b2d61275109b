"""All metrics, found by name or by task."""

import difflib
from typing import Any

from numpy.typing import NDArray

from bridle.errors import DataError
from bridle.metrics import classification, regression
from bridle.metrics.metric import Metric, Numbers
from bridle.records import Task

CLASSES, NUMBERS = Task.CLASSIFICATION, Task.REGRESSION

METRICS = (
    Metric("log_loss", CLASSES, False, "probabilities", classification.log_loss),
    Metric("accuracy", CLASSES, True, "classes", classification.accuracy),
    Metric("balanced_accuracy", CLASSES, True, "classes", classification.balanced_accuracy),
    Metric("precision", CLASSES, True, "classes", classification.precision),
    Metric("recall", CLASSES, True, "classes", classification.recall),
    Metric("f1", CLASSES, True, "classes", classification.f1),
    Metric("roc_auc", CLASSES, True, "probabilities", classification.roc_auc),
    Metric("calibration_error", CLASSES, False, "probabilities", classification.calibration_error),
    Metric("rmse", NUMBERS, False, "numbers", regression.rmse),
    Metric("mae", NUMBERS, False, "numbers", regression.mae),
    Metric("r2", NUMBERS, True, "numbers", regression.r2),
)
"""The first of each task is its default."""


def for_task(task: Task) -> tuple[Metric, ...]:
    """The metrics of a task, its default first."""
    return tuple(metric for metric in METRICS if metric.task is task)


def default(task: Task) -> Metric:
    """Log-loss for classes, root mean squared error for numbers."""
    return for_task(task)[0]


def find(name: str, task: Task | None = None) -> Metric:
    """The metric of a name.

    Args:
        name: As the user wrote it.
        task: The task that it must judge, or ``None`` for any.

    Raises:
        DataError: If there is none of that name, or it is for the other task.
    """
    allowed = METRICS if task is None else for_task(task)
    names = [metric.name for metric in allowed]
    for metric in METRICS:
        if metric.name == name and metric in allowed:
            return metric
    if any(metric.name == name for metric in METRICS):
        raise DataError(f"The metric {name!r} is not for {task}; allowed are {', '.join(names)}.")
    near = difflib.get_close_matches(name, names, 1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise DataError(f"There is no metric {name!r}; allowed are {', '.join(names)}.{meant}")


def evaluate_all(
    task: Task, targets: NDArray[Any], predictions: Numbers, weights: Numbers | None = None
) -> dict[str, float]:
    """Every metric of the task by name."""
    return {metric.name: metric(targets, predictions, weights) for metric in for_task(task)}
