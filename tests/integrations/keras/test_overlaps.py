"""What is noticed when a recipe is bound; each case has a twin without the finding."""

import keras
import pytest

import bridle
from bridle.integrations.keras.handle import Handle
from bridle.integrations.keras.overlaps import overlaps


def found(model, *items):
    handle = Handle(model, bridle.Recipe(*items), seed=0, steps=None)
    return {finding.name for finding in overlaps(handle)}


@pytest.fixture
def own():
    """A network whose first layer has a regularizer of its own."""
    regularizer = keras.regularizers.L2(0.1)
    layers = [keras.layers.Dense(8, kernel_regularizer=regularizer, name="first"), keras.layers.Dense(3, name="last")]
    return keras.Sequential([keras.layers.Input((6,)), *layers])


def sgd(**others):
    return keras.optimizers.SGD(0.1, **others)


def test_the_optimizer_s_own_decay(compiled):
    name = "penalty_and_weight_decay"
    assert name in found(compiled(sgd(weight_decay=0.1)), bridle.L2(0.1))
    assert name in found(compiled(sgd(weight_decay=0.1)), bridle.DecoupledDecay(0.1))
    assert not found(compiled(sgd(weight_decay=0.1)), bridle.MaxNorm(1.0))
    assert not found(compiled(sgd(weight_decay=0.0)), bridle.L2(0.1))
    excluded = sgd(weight_decay=0.1)
    excluded.exclude_from_weight_decay(var_names=["kernel"])
    assert not found(compiled(excluded), bridle.L2(0.1))


def test_a_layer_s_own_regularizer(compiled, own):
    assert found(compiled(model=own), bridle.L2(0.1)) == {"penalty_and_regularizer"}
    twin = keras.models.clone_model(own)
    assert not found(compiled(model=twin), bridle.L2(0.1, scope="last_layer"))


def test_what_early_stopping_watches(compiled, own):
    assert found(compiled(model=own), bridle.EarlyStopping(3)) == {"penalty_in_monitored_loss"}
    assert not found(compiled(), bridle.EarlyStopping(3))


def test_averages(compiled):
    assert found(compiled(sgd(use_ema=True)), bridle.EMA(0.9)) == {"averaged_twice"}
    layers = [keras.layers.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
    assert found(compiled(model=keras.Sequential(layers)), bridle.EMA(0.9)) == {"stale_statistics"}
    assert not found(compiled(), bridle.EMA(0.9))
