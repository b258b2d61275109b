"""Regularised weights that the model does not use, or training does not reach, are found."""

import keras
import pytest

from bridle.integrations.keras.checks.outside_model import outside_model
from bridle.integrations.keras.observed import Observed


class Kept(keras.layers.Layer):
    """Has a regularised weight, and uses it or not."""

    def __init__(self, uses):
        super().__init__(name="kept")
        self.uses = uses

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=shape[-1:], initializer="ones", regularizer="l2")

    def call(self, x):
        return x * self.scale if self.uses else x


def found(model):
    return [finding for finding in outside_model(Observed(model)) if finding]


@pytest.mark.parametrize("uses", [True, False])
def test_a_weight_that_no_output_depends_on(uses, compiled):
    inputs = keras.Input((6,))
    last = keras.layers.Dense(3, kernel_initializer="zeros")  # a zero further on hides no use
    findings = found(compiled(model=keras.Model(inputs, last(Kept(uses)(inputs)))))
    assert [finding.name for finding in findings] == ([] if uses else ["penalty_outside_model"])
    assert uses or "kept.scale has a L2 of 0.06, and no output of the model depends on it" in findings[0].message


@pytest.mark.filterwarnings("ignore:.build... was called on layer:UserWarning")  # Keras notices something, too
def test_a_layer_that_is_never_called(compiled):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.used = keras.layers.Dense(3, kernel_regularizer="l2", name="used")
            self.extra = keras.layers.Dense(3, kernel_regularizer="l2", name="extra")

        def call(self, x):
            return self.used(x)

    model = compiled(model=Net())
    model(keras.ops.zeros((2, 6)))
    (finding,) = found(model)
    assert "The layer extra declares a L2 for extra.kernel and was never called" in finding.message


def test_a_layer_added_after_the_optimizer_was_built(compiled, fit):
    model = compiled()
    fit(model, epochs=1)
    assert found(model) == []
    model.add(keras.layers.Dense(3, name="late", kernel_regularizer="l2"))
    (finding,) = found(model)
    assert finding.name == "weights_outside_optimizer"
    assert "The SGD does not hold late.kernel, late.bias" in finding.message
