import numpy as np
import pytest

from bridle.errors import DataError
from bridle.metrics.catalogue import METRICS, default, evaluate_all, find, for_task
from bridle.records import Task

CLASSES = ["accuracy", "balanced_accuracy", "calibration_error", "f1", "log_loss", "precision", "recall", "roc_auc"]


def test_the_names_are_public():
    assert sorted(metric.name for metric in for_task(Task.CLASSIFICATION)) == CLASSES
    assert sorted(metric.name for metric in for_task(Task.REGRESSION)) == ["mae", "r2", "rmse"]


def test_defaults():
    assert default(Task.CLASSIFICATION).name == "log_loss"
    assert default(Task.REGRESSION).name == "rmse"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_found_by_name_and_pointing_the_right_way(metric):
    assert find(metric.name) is metric
    if metric.task is Task.CLASSIFICATION:
        targets = np.array([0, 1, 0, 1])
        right, wrong = np.eye(2)[targets] * 0.98 + 0.01, np.eye(2)[1 - targets] * 0.98 + 0.01
    else:
        targets = np.array([0.0, 1.0, 3.0])
        right, wrong = targets + 0.01, targets + 2
    assert metric.better(metric(targets, right), metric(targets, wrong))


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(DataError, match=r"no metric 'acuracy'; allowed are log_loss, .*Did you mean 'accuracy'\?"):
        find("acuracy")


def test_a_metric_of_the_other_task_is_refused():
    with pytest.raises(DataError, match="'rmse' is not for classification; allowed are log_loss"):
        find("rmse", Task.CLASSIFICATION)


def test_evaluate_all():
    found = evaluate_all(Task.REGRESSION, np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    assert found == pytest.approx({"rmse": 0.5**0.5, "mae": 0.5, "r2": -1})
    classes = evaluate_all(Task.CLASSIFICATION, np.array([0, 1]), np.eye(2), np.array([1.0, 2.0]))
    assert sorted(classes) == CLASSES
