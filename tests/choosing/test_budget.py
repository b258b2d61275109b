import math
import re

import pytest

from bridle.choosing.budget import Budget, Spent
from bridle.errors import SearchError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("1h30m", 5400), (" 2m ", 120), ("1h1m1s", 3661)]
)
def test_time_is_read_as_people_write_it(text, seconds):
    assert Budget.parse(text) == Budget(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "budget"),
    [("500 epochs", Budget(epochs=500)), ("20trials", Budget(trials=20)), (" 7  trials ", Budget(trials=7))],
)
def test_epochs_and_trials_are_counted(text, budget):
    assert Budget.parse(text) == budget


@pytest.mark.parametrize(
    "text", ["", "10", "m", "ten minutes", "10 m", "-3m", "10d", "1e3s", "1.5 epochs", "5 recipes", "3 trials 2m"]
)
def test_other_text_is_refused(text):
    with pytest.raises(
        SearchError, match=rf"A budget is written like 90s, .*, 500 epochs or 20 trials; got {re.escape(repr(text))}\."
    ):
        Budget.parse(text)


@pytest.mark.parametrize("limits", [{"trials": 0}, {"seconds": -1.0}, {"epochs": 0}, {"seconds": math.inf}])
def test_limits_are_positive(limits):
    (name, value), *_ = limits.items()
    with pytest.raises(SearchError, match=rf"A budget in {name} must be positive; got {value}\."):
        Budget(**limits)


def test_zero_minutes_is_no_budget():
    with pytest.raises(SearchError, match=r"A budget in seconds must be positive; got 0\.0\."):
        Budget.parse("0m")


def test_some_limit_is_needed():
    with pytest.raises(SearchError, match="A search needs a budget: a number of trials, of seconds or of epochs"):
        Budget()


def each(size):
    """50 epochs for each recipe."""
    return 50 * size


def test_the_tightest_limit_counts():
    spent = Spent(trials=4, seconds=40.0, epochs=200, pace=0.2)
    assert Budget(trials=20).room(spent, 99, each) == 16
    assert Budget(trials=20).room(spent, 9, each) == 9
    assert Budget(trials=20, epochs=390).room(spent, 99, each) == 3
    assert Budget(trials=20, epochs=390, seconds=69.0).room(spent, 99, each) == 2
    assert Budget(trials=20, seconds=30.0).room(spent, 99, each) == 0


def test_what_a_round_takes_need_not_grow_evenly():
    ladder = {1: 81, 2: 82, 3: 87, 4: 90}
    assert Budget(epochs=88).room(Spent(), 4, ladder.__getitem__) == 3


def test_one_recipe_is_timed_before_a_round_is():
    assert Budget(seconds=60.0).room(Spent(), 9, each) == 1
    assert Budget(seconds=60.0, trials=9).room(Spent(pace=0.1), 99, each) == 9


def test_the_slowest_round_is_the_estimate():
    spent = Spent().plus(trials=1, seconds=4.0, epochs=5, planned=8).plus(trials=4, seconds=8.0, epochs=20, planned=32)
    assert spent == Spent(trials=5, seconds=12.0, epochs=25, pace=0.5)


def test_a_budget_too_small_for_one_recipe_is_refused():
    with pytest.raises(SearchError, match=r"A budget of 100 epochs is too small for one recipe, which takes up to 150"):
        Budget(epochs=100).check(150, 0.0)
    with pytest.raises(
        SearchError, match=r"A budget of 10 seconds is too small for one recipe, which takes about 25\."
    ):
        Budget(seconds=10.0).check(150, 25.0)
    Budget(epochs=150, seconds=25.0).check(150, 25.0)
