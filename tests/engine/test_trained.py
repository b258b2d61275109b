"""A trained network with its preprocessing."""

import numpy as np
import pytest
import torch

from bridle.core import Recipe, Training
from bridle.engine.train import train
from bridle.engine.trained import load_weights, trained
from bridle.population import Member
from bridle.records import Task
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.terms import ActivationL1, InputGradient


@pytest.mark.parametrize("kind", ["table", "number", "images"])
def test_predictions_give_the_scores_of_training(kind, table, images, wide, conv, fold, setting, tmp_path):
    """Of the epoch that was kept, with averaged weights and refreshed statistics."""
    dataset = {
        "table": table,
        "number": lambda: table(task=Task.REGRESSION),
        "images": lambda: images(rows=96),
    }[kind]()
    shared = setting(dataset, conv if kind == "images" else wide, folder=tmp_path)
    marks = fold(96, score=20, watch=20)
    recipe = Recipe(EMA(0.9), Dropout(0.3), EarlyStopping(2), training=Training(epochs=6, batch_size=16))
    member = Member(0, recipe, marks, 0, keep=True)
    outcome = train(member, shared)
    model = trained(member, shared)
    assert not model.model.training
    predicted = model.predict(dataset)
    assert predicted.shape == ((96,) if kind == "number" else (96, dataset.layout.outputs))
    for name, rows in {"score": slice(76, 96), "watch": slice(56, 76), "clean": slice(0, 56)}.items():
        found = shared.metric(dataset.targets[rows], predicted[rows])
        assert found == pytest.approx(outcome.curves.series[name][outcome.stopped - 1], rel=1e-5)
    rows = np.array([50, 3, 3])
    np.testing.assert_allclose(model.predict(dataset, rows), predicted[rows], rtol=1e-5)


def test_weights_are_copied_with_buffers(images, conv, begin):
    training, other = begin(images(), conv, epochs=1), begin(images(), conv, seed=1)
    training.train_epoch()
    load_weights(other.model, training.weights())
    for name, value in training.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], value)


def test_a_trained_network_captures_nothing(table, wide, fold, setting, tmp_path):
    """The hooks of loss terms are gone, so that a user's own passes in training mode keep no tensors alive."""
    shared = setting(table(), wide, folder=tmp_path)
    recipe = Recipe(ActivationL1(0.01), InputGradient(0.01), training=Training(epochs=1))
    member = Member(0, recipe, fold(96), 0, keep=True)
    train(member, shared)
    network = trained(member, shared).model
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in network.modules())
