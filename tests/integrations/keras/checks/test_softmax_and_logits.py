"""Probabilities where logits are meant, and the other way round."""

import keras
import pytest
from keras import layers

from bridle.integrations.keras.checks.softmax_and_logits import softmax_and_logits
from bridle.integrations.keras.observed import Observed

SPARSE, DENSE = keras.losses.SparseCategoricalCrossentropy, keras.losses.CategoricalCrossentropy
BINARY = keras.losses.BinaryCrossentropy


def names(activation, loss, outputs=3, extra=()):
    stack = [layers.Input((6,)), layers.Dense(outputs, activation=activation, name="head"), *extra]
    model = keras.Sequential(stack)
    if loss is not None:
        model.compile("sgd", loss)
    return [finding.name for finding in softmax_and_logits(Observed(model))]


@pytest.mark.parametrize("loss", [SPARSE, DENSE])
def test_classes(loss):
    assert names("softmax", loss(from_logits=True)) == ["softmax_before_logits_loss"]
    assert names(None, loss()) == ["logits_before_probability_loss"]
    assert names("softmax", loss()) == names(None, loss(from_logits=True)) == []
    assert names(None, loss(), extra=[layers.Softmax()]) == []


def test_two_classes_in_one_output():
    assert names("sigmoid", BINARY(from_logits=True), 1) == ["softmax_before_logits_loss"]
    assert names(None, BINARY(), 1) == ["logits_before_probability_loss"]
    assert names("sigmoid", BINARY(), 1) == names(None, BINARY(from_logits=True), 1) == []


def test_losses_by_name_and_other_losses():
    assert names(None, "sparse_categorical_crossentropy") == ["logits_before_probability_loss"]
    assert names("softmax", "categorical_crossentropy") == []
    assert names(None, "mse") == names(None, None) == []


def test_a_layer_behind_the_softmax():
    late = [layers.Dense(3, kernel_regularizer="l2", name="late")]
    assert names("softmax", DENSE(from_logits=True), extra=late) == ["layer_behind_softmax"]
    assert names("softmax", DENSE(), extra=[layers.Reshape((3,))]) == []
