"""What the audit sees of a model, and that it leaves the model as it was."""

import keras
import numpy as np
import pytest
from keras import layers

from bridle.integrations.keras.observed import Observed, moved
from bridle.integrations.keras.scope import array


@pytest.fixture
def model():
    penalty = keras.regularizers.L2(0.5)
    codes = keras.Input((5,), dtype="int32")
    seen = layers.LSTM(3, kernel_regularizer=penalty, name="lstm")(layers.Embedding(10, 4)(codes))
    return keras.Model(codes, layers.Dense(2, bias_regularizer=penalty, name="head")(seen))


def test_what_layers_declare(model):
    declared = Observed(model).declared
    assert sorted(item.name for item in declared) == ["head.bias", "lstm.lstm_cell.kernel"]
    assert [item.value() for item in declared if item.name == "head.bias"] == [0.0]


def test_shares_are_measured(model):
    observed = Observed(model)
    assert [observed.share(item) for item in observed.declared] == pytest.approx([1.0, 1.0], rel=1e-4)
    zero = keras.Sequential([layers.Input((2,)), layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.0))])
    observed = Observed(zero)
    assert [observed.share(item) for item in observed.declared] == [None]


def test_weights_come_back_bit_for_bit(model):
    before = [array(variable) for variable in model.variables]
    observed = Observed(model)
    for item in observed.declared:
        observed.share(item)
        assert observed.reaches(item)
    for variable, values in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(array(variable), values)

    def interrupted():
        with moved(model.variables[:1], np.zeros_like):
            assert not array(model.variables[0]).any()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    np.testing.assert_array_equal(array(model.variables[0]), before[0])


def test_a_model_that_cannot_be_called_on_drawn_inputs():
    class Picky(keras.layers.Layer):
        def call(self, x):
            if x.shape[0] == 4:
                raise RuntimeError("only batches of mine")
            return x

    inputs = keras.Input((3,))
    observed = Observed(keras.Model(inputs, Picky()(layers.Dense(2, kernel_regularizer="l2")(inputs))))
    assert observed.outputs == []
    assert observed.reaches(observed.declared[0]) is None
