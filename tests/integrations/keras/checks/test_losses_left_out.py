"""A step whose gradients lack the layers' penalties; the audit makes no update and puts everything back."""

import sys

import keras
import numpy as np
import pytest
import torch

import bridle
from bridle.errors import AuditError


class Doubled(keras.regularizers.Regularizer):
    """A regularizer of the user's."""

    def __call__(self, weight):
        return 2 * keras.ops.sum(keras.ops.square(weight))


@pytest.fixture
def model(problem):
    def make(penalty="l2"):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.layers.Input((6,)),
                keras.layers.Dense(8, activation="tanh", kernel_regularizer=penalty, name="first"),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(3, name="last"),
            ]
        )
        model.compile(keras.optimizers.Adam(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    return make


@pytest.fixture
def stepping(problem, backend):
    """A step of a loop with an extra part of the loss, such as the penalties."""
    x, y = problem

    def make(model, extra, compiled=False):
        def loss_of():
            return model.loss(y, model(x, training=True)) + extra(model)

        def in_torch():
            model.zero_grad()
            loss_of().backward()
            with torch.no_grad():
                model.optimizer.apply(
                    [weight.value.grad for weight in model.trainable_weights], model.trainable_weights
                )

        def in_tensorflow():
            with sys.modules["tensorflow"].GradientTape() as tape:
                loss = loss_of()
            gradients = tape.gradient(loss, model.trainable_weights)
            model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))

        if backend == "torch":
            return in_torch
        return sys.modules["tensorflow"].function(in_tensorflow) if compiled else in_tensorflow

    return make


def names(model, step):
    return [finding.name for finding in bridle.keras.audit(model, step)]


@pytest.mark.parametrize("compiled", [False, True])
def test_found(model, stepping, compiled):
    net = model()
    step = stepping(net, lambda _: 0.0, compiled)
    if compiled:
        step()  # a graph that was made before is followed, too
    (finding,) = bridle.keras.audit(net, step)
    assert finding.name == "losses_left_out"
    kernel = net.get_layer("first").kernel
    value = 0.01 * float((keras.ops.convert_to_numpy(kernel.value) ** 2).sum())
    assert finding.numbers["penalties"] == {kernel.path: pytest.approx(value, rel=1e-5)}
    assert "first/kernel have regularizers worth" in finding.message


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "extra",
    [
        lambda net: sum(net.losses),
        lambda net: net.get_layer("first").losses[0],
        lambda net: net.get_layer("first").kernel_regularizer(net.get_layer("first").kernel),
    ],
    ids=["model.losses", "layer.losses", "by hand"],
)
def test_passed(model, stepping, extra, compiled):
    net = model()
    assert names(net, stepping(net, extra, compiled)) == []


def test_losses_that_only_the_log_shows(model, stepping):
    net = model()

    def shown(net):
        return 0.0 * float(keras.ops.convert_to_numpy(keras.ops.stop_gradient(sum(net.losses))))

    assert names(net, stepping(net, shown)) == ["losses_left_out"]


def test_training_by_keras_itself_passes(model, problem):
    net = model()
    assert names(net, lambda: net.train_on_batch(*problem)) == []


def test_no_penalty_no_finding(model, stepping):
    for net in (model(None), model(keras.regularizers.L2(0.0))):
        assert "losses_left_out" not in names(net, stepping(net, lambda _: 0.0))


def test_a_user_s_own_regularizer_is_not_followed(model, stepping):
    net = model(Doubled())
    for extra in (lambda net: Doubled()(net.get_layer("first").kernel), lambda _: 0.0):
        assert "losses_left_out" not in names(net, stepping(net, extra))


def test_everything_is_put_back(model, stepping, fit):
    net = model()
    fit(net, epochs=1)
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in net.variables]
    state = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in net.optimizer.variables]
    bridle.keras.audit(net, stepping(net, lambda _: 0.0))
    for values, variables in ((before, net.variables), (state, net.optimizer.variables)):
        for value, variable in zip(values, variables, strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable.value), value)
    assert not hasattr(keras.regularizers.L2.__call__, "__wrapped__")
    stepping(net, lambda _: 0.0)()
    assert float(net.optimizer.iterations) == 5


def test_a_step_without_apply(model):
    with pytest.raises(AuditError, match=r"The step called no optimizer\.apply\(\.\.\.\) of Keras's"):
        bridle.keras.audit(model(), lambda: None)
