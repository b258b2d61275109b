"""Decay of the optimizer on biases, norms and embeddings is found; on matrices alone it passes."""

import keras
import pytest

from bridle.integrations.keras.checks.decay_on_biases import decay_on_biases
from bridle.integrations.keras.observed import Observed


@pytest.fixture
def found(compiled):
    def look(optimizer):
        layers = [keras.layers.Dense(4, name="first"), keras.layers.BatchNormalization(name="norm")]
        model = compiled(optimizer, keras.Sequential([keras.layers.Input((6,)), *layers, keras.layers.Dense(3)]))
        return list(decay_on_biases(Observed(model)))

    return look


def test_adamw_decays_everything(found):
    (finding,) = found(keras.optimizers.AdamW(0.1, weight_decay=0.02))
    assert "AdamW decays first.bias, norm.gamma, norm.beta, dense.bias by weight_decay = 0.02" in finding.message
    assert "exclude_from_weight_decay(var_names=['beta', 'bias', 'gamma'])" in finding.message


def test_the_line_that_it_says_mends_it(found):
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.02)
    optimizer.exclude_from_weight_decay(var_names=["beta", "bias", "gamma"])
    assert found(optimizer) == []


def test_no_decay(found):
    assert found(keras.optimizers.AdamW(0.1, weight_decay=0.0)) == []
    assert found(keras.optimizers.SGD(0.1)) == []
