import time

import pytest

from bridle.choosing.budget import Budget
from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import TPE
from bridle.choosing.strategy import search
from bridle.core import Recipe, Training, between, choice
from bridle.errors import SearchError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2


@pytest.fixture
def study(tmp_path):
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as opened:
        yield opened


@pytest.fixture
def watched(bowl):
    """The bowl, remembering the sizes of its rounds."""

    def evaluate(asked, **how):
        evaluate.rounds.append(len(asked))
        return bowl(asked)

    evaluate.rounds = []
    return evaluate


def test_it_tries_as_many_recipes_as_allowed_in_rounds(study, space, watched):
    found = search(space, watched, study=study, budget=Budget(trials=10), strategy=TPE(4))
    assert watched.rounds == [4, 4, 2]
    assert [item.number for item in found] == list(range(10))
    assert [item.name for item in found][:2] == ["trial 0", "trial 1"]


def test_it_finds_the_bottom_of_the_bowl(study, space, bowl):
    found = search(space, bowl, study=study, budget=Budget(trials=30), strategy=TPE(5))
    best = min(found, key=lambda item: item.score)
    assert best.score < 0.5
    assert best.active == ("l2",)
    assert best.epoch == 2


def test_candidates_hold_what_was_asked(study, space, bowl):
    seen = []
    first = [{"training.learning_rate": 1e-2, "l1.active": False}, {"l2.strength": 1e-3}]
    found = search(
        space, bowl, study=study, strategy=TPE(), budget=Budget(trials=3), first=first, on_candidate=seen.append
    )
    assert seen == found
    assert found[0].dials["training.learning_rate"] == 1e-2
    assert found[0].active == ("l2",)
    assert found[1].dials["l2.strength"] == 1e-3


def test_first_values_may_fill_several_rounds(study, space, bowl):
    first = [{"l2.strength": 10.0 ** -(3 + at)} for at in range(3)]
    found = search(space, bowl, study=study, budget=Budget(trials=4), strategy=TPE(2), first=first)
    assert [item.dials["l2.strength"] for item in found[:3]] == [1e-3, 1e-4, 1e-5]


def test_epochs_are_counted_over_all_members(study, space, bowl):
    # A recipe of 3 members may take 4 epochs each; the bowl takes 2 each. 12 must be left for one more recipe.
    found = search(space, bowl, study=study, budget=Budget(epochs=30), members=3, strategy=TPE(1))
    assert len(found) == 4


def test_free_epochs_count_as_the_most_they_can_be(study, bowl):
    free = Recipe(L2(between(1e-6, 1e-2)), training=Training(learning_rate=1e-3, epochs=choice(5, 20)))
    with pytest.raises(SearchError, match=r"A budget of 59 epochs is too small for one recipe, which takes up to 60"):
        search(free, bowl, study=study, strategy=TPE(), budget=Budget(epochs=59), members=3)
    ranged = Recipe(L2(1e-3), training=Training(epochs=between(5, 20)))
    with pytest.raises(SearchError, match=r"which takes up to 60"):
        search(ranged, bowl, study=study, strategy=TPE(), budget=Budget(epochs=59), members=3)


def test_with_a_limit_in_seconds_the_first_recipe_is_timed_and_no_round_overruns(study, space, watched, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def slow(asked, **how):
        clock[0] += 10.0 * len(asked)
        return watched(asked)

    search(space, slow, study=study, budget=Budget(seconds=75.0), strategy=TPE(4))
    assert watched.rounds == [1, 4, 2]
    assert clock[0] == 70.0


def test_known_seconds_spare_the_first_timing(study, space, watched):
    search(space, watched, study=study, strategy=TPE(), budget=Budget(seconds=50.0, trials=4), seconds_each=10.0)
    assert watched.rounds == [4]


def test_known_seconds_beyond_the_budget_are_refused(study, space, bowl):
    with pytest.raises(SearchError, match=r"A budget of 5 seconds is too small for one recipe, which takes about 10"):
        search(space, bowl, study=study, strategy=TPE(), budget=Budget(seconds=5.0), seconds_each=10.0)


def test_seconds_of_earlier_rounds_count_after_a_resume(tmp_path, space, watched, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    calls = []

    def slow(asked, **how):
        clock[0] += 10.0 * len(asked)
        calls.append(len(asked))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return watched(asked)

    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False) as study:
        with pytest.raises(KeyboardInterrupt):
            search(space, slow, study=study, budget=Budget(seconds=55.0), strategy=TPE(2))
        # The first round is answered at once from what was kept, yet its ten seconds stay spent.
        found = search(space, lambda asked, **_: watched(asked) if asked[0][0] == 0 else slow(asked), study=study,
                       budget=Budget(seconds=55.0), strategy=TPE(2))  # fmt: skip
    assert len(found) == 5


def test_a_recipe_whose_members_all_failed_does_not_end_the_search(study, space, outcome, bowl):
    def evaluate(asked, **how):
        results = bowl(asked)
        return results | {number: (outcome([], failure="NaN loss"),) for number, _ in asked if number in (0, 2)}

    found = search(space, evaluate, study=study, budget=Budget(trials=6), strategy=TPE(3))
    assert [item.failure for item in found] == [
        "fold 0, seed 0: NaN loss",
        None,
        "fold 0, seed 0: NaN loss",
        None,
        None,
        None,
    ]


def test_if_all_fail_all_are_returned(study, space, outcome):
    found = search(
        space,
        lambda asked, **_: {number: (outcome([], failure="NaN loss"),) for number, _ in asked},
        study=study,
        strategy=TPE(),
        budget=Budget(trials=12),
    )
    assert [item.failure for item in found] == ["fold 0, seed 0: NaN loss"] * 12


def test_a_finite_space_ends_the_search(study, outcome):
    finite = Recipe(Dropout(rate=choice(0, 0.2, 0.5)))
    rates = lambda asked, **_: {number: (outcome([recipe.regularizers[0].rate]),) for number, recipe in asked}  # noqa: E731
    found = search(finite, rates, study=study, strategy=TPE(), budget=Budget(trials=50))
    assert sorted(item.dials["dropout.rate"] for item in found) == [0.0, 0.2, 0.5]


def test_a_resumed_search_goes_on_where_it_was_interrupted(tmp_path, space, bowl):
    with open_study(tmp_path / "whole.db", "search", 5, higher_is_better=False) as study:
        expected = search(space, bowl, study=study, strategy=TPE(), budget=Budget(trials=12))
    calls = []

    def interrupted(asked, **how):
        calls.append(asked)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return bowl(asked)

    with open_study(tmp_path / "broken.db", "search", 5, higher_is_better=False) as study:
        with pytest.raises(KeyboardInterrupt):
            search(space, interrupted, study=study, strategy=TPE(), budget=Budget(trials=12))
        assert search(space, bowl, study=study, strategy=TPE(), budget=Budget(trials=12)) == expected


def test_nothing_free_is_refused(study, bowl):
    with pytest.raises(
        SearchError, match=r"Nothing is free in this recipe, so there is nothing to search\. Free a dial"
    ):
        search(Recipe(L2(1e-4)), bowl, study=study, strategy=TPE(), budget=Budget(trials=3))
