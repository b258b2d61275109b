"""A declared regularizer that is not in the losses is found; one that is passes."""

import keras
import pytest

from bridle.integrations.keras.checks.penalty_without_effect import penalty_without_effect
from bridle.integrations.keras.observed import Observed


@pytest.fixture
def declared(compiled):
    def make(late):
        penalty = keras.regularizers.L1(0.5)
        given = {} if late else {"kernel_regularizer": penalty}
        layers = [keras.layers.Dense(4, name="first", **given), keras.layers.Dense(3, name="last")]
        model = compiled(model=keras.Sequential([keras.layers.Input((6,)), *layers]))
        if late:
            model.get_layer("first").kernel_regularizer = penalty
        return model

    return make


def test_set_after_the_layer_was_built(declared):
    (finding,) = penalty_without_effect(Observed(declared(late=True)))
    assert "first.kernel has a L1 declared, but the layer was built before" in finding.message
    assert finding.severity == "error"
    assert finding.numbers["share_in_losses"] == 0
    assert finding.numbers["declared"] > 0


def test_set_before(declared):
    assert not list(penalty_without_effect(Observed(declared(late=False))))


def test_on_a_frozen_weight(declared):
    model = declared(late=False)
    model.get_layer("first").trainable = False
    (finding,) = penalty_without_effect(Observed(model))
    assert "but the weight is frozen and Keras leaves frozen weights out" in finding.message
