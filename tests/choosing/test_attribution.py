"""Subsets of regularizers, Shapley values against a brute force, and who is called needed in simulations."""

import itertools
import math

import numpy as np
import pytest

from bridle.choosing.attribution import (
    attribute,
    eliminate,
    holds,
    judge_by,
    regularizers_of,
    shapley,
    sub_recipe,
    subsets,
    values_of,
)
from bridle.choosing.scoring import candidate
from bridle.core import Recipe, Training
from bridle.errors import SearchError
from bridle.records import Estimate, SubRecipe
from bridle.regularizers.augment import Rotation
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping

ORIGIN = {"splits": 15, "seeds": 3, "fresh": True}
JUDGE = judge_by(80, 20)


def game(keys, seed=0, splits=4):
    random = np.random.default_rng(seed)
    return {subset: random.normal(size=splits) for subset in subsets(keys)}


def trained(values):
    def records():
        return tuple(SubRecipe(tuple(sorted(subset)), 1, tuple(own.tolist())) for subset, own in values.items())

    return records


def from_table(values):
    return lambda asked: {subset: values[subset] for subset in asked}


def in_all_orders(values, keys):
    """The definition: what each key adds, over every order in which the keys can come."""
    total = dict.fromkeys(keys, 0.0)
    for order in itertools.permutations(keys):
        for place, key in enumerate(order):
            total[key] = total[key] + values[frozenset(order[: place + 1])] - values[frozenset(order[:place])]
    return {key: value / math.factorial(len(keys)) for key, value in total.items()}


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_shapley_values_are_means_over_all_orders(count):
    keys = list("abcdef"[:count])
    values = game(keys)
    found, expected = shapley(values, keys), in_all_orders(values, keys)
    for key in keys:
        np.testing.assert_allclose(found[key], expected[key], atol=1e-12)


def test_shapley_values_add_up_to_the_whole():
    keys = list("abcde")
    values = game(keys)
    total = sum(shapley(values, keys).values())
    np.testing.assert_allclose(total, values[frozenset(keys)] - values[frozenset()], atol=1e-12)


def test_who_adds_the_same_gets_the_same_and_who_adds_nothing_gets_nothing():
    random = np.random.default_rng(3)
    by_size = random.normal(size=(4, 5))
    values = {subset: by_size[len(subset - {"idle"})] for subset in subsets(["a", "b", "c", "idle"])}
    found = shapley(values, ["a", "b", "c", "idle"])
    np.testing.assert_allclose(found["a"], found["b"], atol=1e-12)
    np.testing.assert_allclose(found["a"], found["c"], atol=1e-12)
    np.testing.assert_allclose(found["idle"], 0, atol=1e-12)


def test_more_than_six_have_no_shapley_values():
    keys = list("abcdefg")
    with pytest.raises(SearchError, match="Exact Shapley values need every subset: at most 6 regularizers; got 7"):
        shapley({}, keys)


def test_what_is_trained():
    assert len(subsets("abcdef")) == len(set(subsets("abcdef"))) == 64
    many = subsets("abcdefgh")
    assert sorted(len(subset) for subset in many) == [0, *[1] * 8, *[7] * 8, 8]


def test_a_sub_recipe_differs_in_its_regularizers_only():
    training = Training(learning_rate=5e-3, epochs=9, stop_after=4, expand=2)
    recipe = Recipe(L2(1e-3), Rotation(10.0), Dropout(0.2), training=training)
    part = sub_recipe(recipe, frozenset({"dropout", "rotation"}))
    assert part == Recipe(Rotation(10.0), Dropout(0.2), training=training.replace(stop_after=0))
    assert sub_recipe(recipe, frozenset()) == Recipe(training=training.replace(stop_after=0, expand=0))


def test_stop_rules_and_averages_count_and_what_is_off_does_not():
    recipe = Recipe(L2(0.0), Dropout(0.0), EMA(decay=0.9), EarlyStopping(patience=3))
    assert regularizers_of(recipe) == ("ema", "early_stopping")
    with pytest.raises(SearchError, match="no regularizer that is on, so there is nothing whose worth"):
        regularizers_of(Recipe(L2(0.0)))


@pytest.mark.parametrize(("higher", "sign"), [(True, 1), (False, -1)])
def test_values_are_means_over_seeds_at_the_own_best_epoch(outcome, higher, sign):
    curves = {(0, 1): [1.0, 3.0], (0, 2): [1.0, 5.0], (1, 1): [2.0, 7.0], (1, 2): [2.0, 9.0]}
    outcomes = [
        outcome([sign * value for value in curve], fold=fold, seed=seed) for (fold, seed), curve in curves.items()
    ]
    scored = candidate(0, "all", Recipe(), {}, outcomes, higher)
    np.testing.assert_allclose(values_of(scored, 2, higher_is_better=higher), [4.0, 8.0])
    failed = candidate(0, "all", Recipe(), {}, [outcome([math.nan], failure="no")], higher)
    assert np.isnan(values_of(failed, 2, higher_is_better=higher)).all()


def additive(worth, noise=0.0, splits=15, seed=0):
    random = np.random.default_rng(seed)
    fold = random.normal(size=splits)
    return {
        subset: fold + sum(worth[key] for key in subset) + noise * random.normal(size=splits)
        for subset in subsets(sorted(worth))
    }


def test_every_worth_of_an_additive_recipe():
    values = additive({"dropout": 0.8, "l2": 0.1, "mixup": -0.5}, noise=1e-3)
    found = attribute(["l2", "dropout", "mixup"], from_table(values), JUDGE, trained=trained(values), **ORIGIN)
    assert [item.name for item in found.worths] == ["l2", "dropout", "mixup"]
    for item, worth in zip(found.worths, (0.1, 0.8, -0.5), strict=True):
        for estimate in (item.worth, item.leave_one_out, item.add_one_in, item.shapley):
            assert estimate.low < estimate.value < estimate.high
            assert estimate.value == pytest.approx(worth, abs=3e-3)
        assert item.needed == (worth > 0)
    assert found.kept == ("l2", "dropout")
    assert found.worths[2].beside == ("l2", "dropout")
    assert found.together.value == pytest.approx(0.4, abs=3e-3)
    assert found.pruned.value == pytest.approx(0.5, abs=3e-3)
    assert holds(found)
    assert not found.applied
    assert (found.splits, found.seeds, found.fresh) == (15, 3, True)
    assert len(found.sub_recipes) == 8


def test_of_two_that_stand_in_for_each_other_one_stays():
    random = np.random.default_rng(1)
    fold = random.normal(size=15)
    values = {some: fold + bool(some) + 1e-3 * random.normal(size=15) for some in subsets(["a", "b"])}
    found = attribute(["a", "b"], from_table(values), JUDGE, trained=trained(values), **ORIGIN)
    assert len(found.kept) == 1
    for item in found.worths:
        assert abs(item.leave_one_out.value) < 0.01
        assert item.add_one_in.value == pytest.approx(1.0, abs=0.01)
        assert item.shapley.value == pytest.approx(0.5, abs=0.01)
        assert item.worth.value == pytest.approx(1.0 if item.needed else 0.0, abs=0.01)


def test_the_least_worth_is_dropped_first():
    values = additive({"a": -1.0, "b": -3.0, "c": -2.0}, noise=1e-3)
    found = attribute(["a", "b", "c"], from_table(values), JUDGE, trained=trained(values), **ORIGIN)
    assert [item.beside for item in found.worths] == [(), ("a", "c"), ("a",)]


def test_what_fails_without_it_is_needed():
    values = additive({"a": 0.0, "b": -1.0}, noise=1e-3)
    values[frozenset()] = values[frozenset({"b"})] = np.full(15, np.nan)
    found = attribute(["a", "b"], from_table(values), JUDGE, trained=trained(values), **ORIGIN)
    assert found.kept == ("a",)
    first = found.worths[0]
    assert math.isnan(first.worth.value)
    assert first.worth.low is None
    assert math.isnan(found.together.value)


def test_a_recipe_that_fails_itself_is_an_error():
    values = additive({"a": 1.0})
    values[frozenset({"a"})] = np.full(15, np.nan)

    def records():
        return (SubRecipe(("a",), 0, (), "the data loss became NaN"),)

    with pytest.raises(SearchError, match=r"itself failed on the splits .*: the data loss became NaN. Mend"):
        attribute(["a"], from_table(values), JUDGE, trained=records, **ORIGIN)


def test_more_than_six_are_trained_as_they_are_needed():
    keys = list("abcdefgh")
    worth = {key: float(place > 1) for place, key in enumerate(keys)}
    asked = []

    def train(subsets_of):
        asked.extend(subsets_of)
        return {some: np.arange(15.0) + sum(worth[key] for key in some) for some in subsets_of}

    found = attribute(keys, train, JUDGE, trained=tuple, **ORIGIN)
    assert found.kept == tuple("cdefgh")
    assert all(item.shapley is None for item in found.worths)
    assert frozenset("cdefg") in asked
    assert len(set(asked)) < 40


@pytest.mark.parametrize(
    ("pruned", "expected"),
    [
        (None, False),
        (Estimate(-1.0, -2.0, -0.1), False),
        (Estimate(-1.0, -2.0, 0.1), True),
        (Estimate(math.nan), False),
    ],
)
def test_what_is_pruned_is_checked_as_a_whole(pruned, expected):
    values = additive({"a": 1.0})
    found = attribute(["a"], from_table(values), JUDGE, trained=trained(values), **ORIGIN)
    assert holds(type(found)(**{**vars(found), "pruned": pruned})) is expected


def simulated(random, worth, splits=15, overlap=0.2):
    """Scores as folds give them: differences of splits that share training rows are correlated by ``overlap``."""

    def varied():
        return math.sqrt(overlap) * random.normal() + math.sqrt(1 - overlap) * random.normal(size=splits)

    fold, effect = varied(), {key: mean + varied() for key, mean in worth.items()}
    return {some: fold + sum((effect[key] for key in some), 0.0) + 0.5 * varied() for some in subsets(sorted(worth))}


@pytest.mark.parametrize("worth", [{"idle": 0.0}, {"idle": 0.0, "a": 2.0, "b": 3.0}, {"idle": 0.0, "a": 0.0, "b": 0.7}])
def test_a_useless_regularizer_is_called_not_needed_19_times_of_20(worth):
    random = np.random.default_rng(11)
    times = 1000
    needed = sum(eliminate(sorted(worth), from_table(simulated(random, worth)), JUDGE)["idle"][0] for _ in range(times))
    assert needed / times < 0.05


def test_a_useful_regularizer_is_called_needed():
    random = np.random.default_rng(12)
    worth = {"idle": 0.0, "a": 2.5}
    needed = sum(eliminate(["a", "idle"], from_table(simulated(random, worth)), JUDGE)["a"][0] for _ in range(300))
    assert needed / 300 > 0.9
