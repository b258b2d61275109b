"""The metric of Keras's optimizers: how far a constant gradient moves a weight."""

import keras
import numpy as np
import pytest

from bridle.errors import RecipeError
from bridle.integrations.keras.metric import is_uniform, metric


def number(value):
    return np.asarray(keras.ops.convert_to_numpy(value))


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_moves_by_the_sum_of_its_momentum(nesterov):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=nesterov)
    weight = keras.Variable(np.zeros(3, "float32"))
    for _ in range(200):
        before = number(weight).copy()
        optimizer.apply([keras.ops.ones(3)], [weight])
    np.testing.assert_allclose(before - number(weight), number(metric(optimizer)(weight, 0.1)), rtol=1e-4)
    assert is_uniform(optimizer)


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.AdamW])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_moves_each_weight_by_its_own_step(kind, amsgrad):
    """Under a constant gradient the bias correction of the momentum makes each step the metric times the gradient."""
    optimizer = kind(0.1, amsgrad=amsgrad, epsilon=1e-3, weight_decay=0.0)
    weight, slope = keras.Variable(np.zeros(3, "float32")), np.array([0.5, 1.0, 3.0], "float32")
    moved, inner = [], optimizer._backend_update_step

    def step(gradients, variables, rate):
        before = number(weight).copy()
        inner(gradients, variables, rate)
        moved.append((before - number(weight), number(metric(optimizer)(weight, rate)) * slope))

    optimizer._backend_update_step = step
    for _ in range(5):
        optimizer.apply([keras.ops.convert_to_tensor(slope)], [weight])
    for seen, expected in moved:
        np.testing.assert_allclose(seen, expected, rtol=1e-4)
    assert not is_uniform(optimizer)


def test_what_has_no_metric_is_refused():
    class Own(keras.optimizers.SGD):
        """A step of its own."""

    for optimizer in (keras.optimizers.Lion(0.1), Own(0.1)):
        with pytest.raises(RecipeError, match=rf"none is known for Keras's {type(optimizer).__name__}. Use SGD, Adam"):
            metric(optimizer)
