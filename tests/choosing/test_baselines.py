import dataclasses
import math

import numpy as np
import pytest

from bridle.choosing.baselines import baseline_grid, baselines
from bridle.core import Recipe, Training, between, choice
from bridle.errors import SearchError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2

TRAINING = Training(learning_rate=between(1e-4, 1e-2), epochs=20, batch_size=32, clip=1.0, warmup=0.1, expand=2)
SPACE = Recipe(L2(between(1e-6, 1e-2)), Dropout(rate=0.5), training=TRAINING)


def rates(recipe, n):
    return [settled.training.learning_rate for settled in baseline_grid(recipe, n)]


def test_the_three_by_name():
    found = baselines(SPACE)
    assert list(found) == ["none", "adamw", "early stopping"]
    assert [recipe.active for recipe in found.values()] == [(), (), ("early_stopping",)]
    assert [recipe.training.weight_decay for recipe in found.values()] == [0.0, 0.01, 0.0]
    assert found["early stopping"].regularizers[0].patience == 4


def test_only_the_learning_rate_is_free_over_the_same_range():
    assert [recipe.free() for recipe in baselines(SPACE).values()] == [
        {"training.learning_rate": between(1e-4, 1e-2)}
    ] * 3


def test_the_other_settings_are_those_of_the_space_without_its_copies():
    expected = dataclasses.replace(TRAINING, expand=0)
    assert baselines(SPACE)["none"].training == expected
    assert baselines(SPACE)["early stopping"].training == expected
    assert baselines(SPACE)["adamw"].training == expected.replace(weight_decay=0.01)


def test_decay_in_the_space_is_not_in_the_baselines():
    decayed = Recipe(training=Training(weight_decay=between(1e-3, 1e-1), stop_after=3))
    assert baselines(decayed)["none"].training == Training(
        learning_rate=baselines(decayed)["none"].training.learning_rate
    )


def test_free_settings_are_settled():
    free = Training(
        epochs=between(5, 60),
        batch_size=choice(16, 32, 64),
        warmup=between(0.0, 0.2),
        clip=between(0.1, 10.0, log=True),
    )
    settled = baselines(Recipe(L2(1e-4), training=free))["none"].training
    assert (settled.epochs, settled.batch_size) == (60, 32)
    assert settled.warmup == pytest.approx(0.1)
    assert settled.clip == pytest.approx(1.0)
    assert baselines(Recipe(training=Training(epochs=choice(30, 10))))["none"].training.epochs == 30


def test_a_fixed_rate_becomes_a_range_of_a_factor_of_ten_around_it():
    free = baselines(Recipe(L2(1e-4), training=Training(learning_rate=2e-3)))["none"].training.learning_rate
    assert free.high / free.low == pytest.approx(10)
    assert math.sqrt(free.low * free.high) == pytest.approx(2e-3)
    assert rates(baselines(Recipe())["none"], 3)[1] == pytest.approx(Training().learning_rate)


def test_sgd_keeps_its_optimizer_but_for_adamw_with_a_range_of_its_own():
    found = baselines(Recipe(training=Training(optimizer="sgd", learning_rate=between(0.01, 1.0))))
    assert [recipe.training.optimizer for recipe in found.values()] == ["sgd", "adamw", "sgd"]
    assert found["adamw"].training.learning_rate == between(3e-4, 1e-2, log=True)
    assert found["none"].training.learning_rate == between(0.01, 1.0)


def test_a_grid_is_even_on_a_logarithmic_scale():
    grid = baseline_grid(baselines(SPACE)["early stopping"], 5)
    assert not any(recipe.is_space for recipe in grid)
    assert all(recipe.active == ("early_stopping",) for recipe in grid)
    np.testing.assert_allclose(rates(baselines(SPACE)["none"], 5), [10**-4, 10**-3.5, 10**-3, 10**-2.5, 10**-2])


def test_a_single_rate_stands_in_the_middle():
    assert rates(baselines(SPACE)["none"], 1) == [pytest.approx(1e-3)]


@pytest.mark.parametrize(
    ("n", "expected"), [(1, [1e-3]), (2, [1e-4, 1e-2]), (3, [1e-4, 1e-3, 1e-2]), (9, [1e-4, 1e-3, 1e-2])]
)
def test_of_a_choice_the_values_themselves_are_taken(n, expected):
    chosen = baselines(Recipe(training=Training(learning_rate=choice(1e-2, 1e-4, 1e-3))))["none"]
    assert rates(chosen, n) == expected


def test_an_empty_grid_is_refused():
    with pytest.raises(SearchError, match=r"A baseline needs at least one learning rate; got n = 0\."):
        baseline_grid(baselines(SPACE)["none"], 0)
