"""A penalty that acts twice is found; one that acts once passes."""

import keras
import pytest

from bridle.integrations.keras.checks.penalty_twice import penalty_twice
from bridle.integrations.keras.observed import Observed


class Again(keras.layers.Dense):
    """Adds its own regularizer to the loss by hand."""

    def call(self, inputs, training=None):
        self.add_loss(0.0 * keras.ops.sum(inputs))
        return super().call(inputs)


class Twice(keras.Sequential):
    """A model whose losses hold what its layers declare once more."""

    @property
    def losses(self):
        return [*super().losses, *super().losses]


@pytest.fixture
def model(compiled):
    def make(kind=keras.Sequential, **optimizer):
        layers = [keras.layers.Dense(4, kernel_regularizer="l2", name="first"), Again(3, name="last")]
        return compiled(keras.optimizers.SGD(0.1, **optimizer), kind([keras.layers.Input((6,)), *layers]))

    return make


def names(model):
    return [finding.name for finding in penalty_twice(Observed(model))]


def test_in_the_losses_twice(model):
    (finding,) = penalty_twice(Observed(model(Twice)))
    assert finding.name == "penalty_twice"
    assert finding.numbers["share_in_losses"] == pytest.approx(2, rel=1e-3)
    assert names(model()) == []


def test_in_the_loss_and_the_optimizer(model):
    (finding,) = penalty_twice(Observed(model(weight_decay=0.1)))
    assert finding.name == "penalty_and_weight_decay"
    assert "first.kernel has a L2 in the loss, and SGD decays it by weight_decay = 0.1" in finding.message


def test_excluded_from_decay(model):
    excluded = model(weight_decay=0.1)
    excluded.optimizer.exclude_from_weight_decay(var_names=["kernel"])
    assert names(excluded) == []
