import pickle

import numpy as np
import pytest
import torch

import bridle
from bridle.core import Recipe, Training, between
from bridle.data.load import load
from bridle.errors import RunError
from bridle.job.refitted import search_and_refit
from bridle.regularizers.penalties import L2

TRAINING = Training(epochs=3, batch_size=16, learning_rate=1e-2)
FIXED = Recipe(L2(1e-4), training=TRAINING)


def wide_or_narrow(example, outputs):
    return torch.nn.Linear(len(example), outputs)


@pytest.fixture(scope="module")
def iris():
    return load("iris")


def test_all_rows_are_trained_on_and_none_is_sealed(iris):
    found = search_and_refit(iris, FIXED)
    assert found.recipe == FIXED
    assert (found.evidence.data.rows, found.evidence.choice) == ({"train": 150, "test": 0}, None)
    assert found.evidence.command["share"] == 0.0
    assert len(found.networks) == 1


def test_a_search_is_that_of_bridle_search_on_the_same_rows(iris):
    space = Recipe(L2(between(1e-6, 1e-2)), training=TRAINING)
    found = search_and_refit(iris, space, trials=2, folds=2, seed=3)
    alone = bridle.search(iris, space, trials=2, folds=2, seed=3, share=0.0)
    assert found.recipe == alone.recipe
    assert found.evidence.choice == alone.choice
    assert [item.score for item in found.evidence.candidates] == [item.score for item in alone.evidence.candidates]


def test_the_network_is_the_one_that_bridle_fit_trains(iris, tmp_path):
    rows = np.arange(150)
    run = bridle.fit(iris, FIXED, test=iris, seed=1, out=tmp_path / "run")
    network = search_and_refit(iris, FIXED, seed=1).networks[0]
    np.testing.assert_array_equal(network.trained.predict(iris, rows), run.predict("iris").probabilities)


def test_a_network_is_stored_without_its_module(iris):
    network = search_and_refit(iris, FIXED, seeds=2).networks[1]
    expected = network.trained.predict(iris)
    again = pickle.loads(pickle.dumps(network))
    assert "trained" in vars(network)
    assert "trained" not in vars(again)
    assert again.seed == network.seed == 1
    np.testing.assert_array_equal(again.trained.predict(iris), expected)


def test_another_model_of_the_same_name_is_noticed(iris, monkeypatch):
    network = search_and_refit(iris, FIXED, model=wide_or_narrow).networks[0]
    other = pickle.loads(pickle.dumps(network))
    object.__setattr__(other, "model", lambda example, outputs: torch.nn.Linear(len(example), outputs, bias=False))
    with pytest.raises(RunError, match=r"The estimator does not fit the network: it differs in 'bias'"):
        _ = other.trained
