import pytest

from bridle.choosing.budget import Budget
from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import Halving, Random
from bridle.choosing.strategy import search
from bridle.core import Recipe, Training, between, choice
from bridle.errors import SearchError
from bridle.records import Curves, Outcome
from bridle.regularizers.penalties import L2


def test_of_each_three_one_goes_on_three_times_as_long():
    bracket = Halving().bracket(0, 81)
    assert bracket.rungs == (9, 27, 81)
    assert bracket.counts(bracket.size) == [27, 9, 3]


def test_with_nothing_dropped_it_is_the_exhaustive_search(tmp_path, space, bowl):
    found = []
    for strategy in (Halving(eta=1000, size=9), Random(9)):
        name = type(strategy).__name__
        with open_study(tmp_path / "study.db", name, 0, higher_is_better=False) as study:
            found.append(search(space, bowl, study=study, strategy=strategy, budget=Budget(trials=9)))
    assert found[0] == found[1]
    assert len(found[0]) == 9


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_so_far_go_on_and_the_others_keep_what_they_got(tmp_path, space, sign):
    """Every curve falls by one per epoch from the recipe's own number, so the order never changes."""
    calls = []

    def evaluate(recipes, *, until=0, keep=False, warm=None):
        calls.append(([number for number, _ in recipes], until))
        curve = {number: [sign * (100.0 + number - epoch) for epoch in range(until or 4)] for number, _ in recipes}
        return {number: (Outcome(number, 0, 0, Curves({"score": curve[number]})),) for number, _ in recipes}

    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=sign < 0) as study:
        strategy = Halving(eta=2, rungs=3, size=8)
        found = search(space, evaluate, study=study, strategy=strategy, budget=Budget(trials=8))
    assert calls == [(list(range(8)), 1), ([0, 1, 2, 3], 2), ([0, 1], 0)]
    assert [item.until for item in found] == [0, 0, 2, 2, 1, 1, 1, 1]
    assert [item.epoch for item in found] == [4, 4, 2, 2, 1, 1, 1, 1]
    assert [item.outcomes[0].curves.epochs for item in found] == [4, 4, 2, 2, 1, 1, 1, 1]


def test_a_recipe_that_is_shorter_than_a_rung_was_trained_to_its_end(tmp_path, outcome):
    """It is compared as it is, and where it loses it may still be chosen."""
    short = Recipe(L2(1e-3), training=Training(learning_rate=between(1e-4, 1e-1), epochs=choice(2, 12)))

    def evaluate(recipes, *, until=0, keep=False, warm=None):
        lengths = {number: min(until or 99, recipe.training.epochs) for number, recipe in recipes}
        return {number: (outcome([1.0 - length / 20] * length),) for number, length in lengths.items()}

    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        strategy = Halving(eta=3, rungs=2, size=12)
        found = search(short, evaluate, study=study, strategy=strategy, budget=Budget(trials=12))
    assert {item.dials["training.epochs"] for item in found} == {2, 12}
    assert {item.until for item in found if item.dials["training.epochs"] == 2} == {0}
    assert {item.until for item in found if item.dials["training.epochs"] == 12} == {0, 4}


def test_recipes_that_fail_make_room_for_others(tmp_path, space, outcome):
    def evaluate(recipes, *, until=0, keep=False, warm=None):
        failing = {number for number, _ in recipes if number < 5}
        curves = {number: [] if number in failing else [float(number)] for number, _ in recipes}
        return {
            number: (outcome(curves[number], failure="NaN loss" if number in failing else None),)
            for number, _ in recipes
        }

    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        strategy = Halving(eta=2, rungs=2, size=8)
        found = search(space, evaluate, study=study, strategy=strategy, budget=Budget(trials=8))
    assert [item.number for item in found if item.failure is None and not item.until] == [5, 6, 7]


def test_a_budget_in_epochs_counts_what_was_trained(tmp_path, space):
    """Two members; a bracket of 4 takes 2 * (4 * 2 + 2 * 2) = 24 of the 60 epochs, and the third has room for 2."""

    def evaluate(recipes, *, until=0, keep=False, warm=None):
        curve = Curves({"score": [1.0] * (until or 4)})
        return {number: (Outcome(number, 0, 0, curve), Outcome(number, 1, 0, curve)) for number, _ in recipes}

    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        strategy = Halving(eta=2, rungs=2, size=4)
        found = search(space, evaluate, study=study, strategy=strategy, budget=Budget(epochs=60), members=2)
    assert sum(outcome.curves.epochs for item in found for outcome in item.outcomes) == 24 + 24 + 12
    assert len(found) == 4 + 4 + 2


def test_eta_drops_something():
    with pytest.raises(SearchError, match=r"Successive halving needs eta >= 2.*; got 1\."):
        Halving(eta=1)
