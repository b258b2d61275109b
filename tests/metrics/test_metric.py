import numpy as np

from bridle.metrics.metric import Metric
from bridle.records import Task


def test_a_metric_is_a_function_with_a_direction():
    metric = Metric("largest", Task.REGRESSION, False, "numbers", lambda _, predictions, __: predictions.max())
    value = metric(np.zeros(2), np.array([1.0, 4.0]))
    assert value == 4
    assert isinstance(value, float)
    assert metric.better(1, 2)
    assert not metric.better(2, 1)
