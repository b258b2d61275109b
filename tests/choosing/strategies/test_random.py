import math

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from bridle.choosing.strategies import Random
from bridle.core import Recipe, Training, between, choice
from bridle.regularizers.augment import Rotation
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1
from bridle.regularizers.stopping import EarlyStopping

WIDE = Recipe(
    L1(between(1e-6, 1e-2), optional=True),
    Dropout(rate=choice(0.1, 0.2, 0.5)),
    Rotation(between(5.0, 20.0)),
    EarlyStopping(patience=between(3, 7)),
    training=Training(learning_rate=between(1e-4, 1e-1), batch_size=between(8, 256, log=True)),
)


@pytest.fixture(scope="module")
def asked():
    from bridle.choosing.strategies import Round

    return Random().propose(Round(WIDE, 0, 0, 1500))


@pytest.mark.parametrize(
    ("address", "low", "high"),
    [("training.learning_rate", -4, -1), ("l1.strength", -6, -2), ("rotation.degrees", 5, 20)],
)
def test_a_range_is_uniform_on_its_scale(asked, address, low, high):
    values = np.array([values[address] for values in asked if address in values])
    values = values if address == "rotation.degrees" else np.log10(values)
    assert kstest(values, "uniform", (low, high - low)).pvalue > 0.01


@pytest.mark.parametrize(("address", "values"), [("l1.active", [True, False]), ("dropout.rate", [0.1, 0.2, 0.5])])
def test_a_choice_is_uniform(asked, address, values):
    assert chisquare([sum(item[address] == value for item in asked) for value in values]).pvalue > 0.01


def test_whole_numbers_are_as_likely_as_each_other(asked):
    assert (
        chisquare([sum(item["early_stopping.patience"] == value for item in asked) for value in range(3, 8)]).pvalue
        > 0.01
    )


def test_whole_numbers_on_a_logarithmic_scale(asked):
    """The room of a number is that between its neighbours' middles, the ends' room included."""
    edges = [7.5, 15.5, 31.5, 63.5, 127.5, 256.5]
    counts = np.histogram([item["training.batch_size"] for item in asked], edges)[0]
    expected = np.diff(np.log(edges)) / (math.log(256.5) - math.log(7.5)) * len(asked)
    assert chisquare(counts, expected).pvalue > 0.01
    assert all(type(item["training.batch_size"]) is int for item in asked)


def test_dials_are_drawn_independently(asked):
    rows = [
        (math.log(item["training.learning_rate"]), item["rotation.degrees"], item["dropout.rate"]) for item in asked
    ]
    correlations = np.corrcoef(np.array(rows).T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / math.sqrt(len(asked))


def test_draws_are_keyed_by_the_recipes_number_and_not_by_its_round(play, space):
    assert play(Random(), space, 6, 2) == play(Random(), space, 3, 4)
    assert play(Random(), space, 1, 4) != play(Random(), space, 1, 4, seed=1)
    assert play(Random(), space, 1, 4) != play(Random(), space, 1, 4, search="b")
