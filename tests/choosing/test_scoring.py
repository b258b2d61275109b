import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bridle.choosing.scoring import candidate, curves, member_scores
from bridle.core import Recipe, toml
from bridle.errors import SearchError
from bridle.records import Curves, Outcome
from bridle.regularizers.augment import Rotation
from bridle.regularizers.catalogue import parse_recipe
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2

RECIPE = Recipe(L2(1e-4))


def score(outcomes, *, higher_is_better=False, recipe=RECIPE):
    return candidate(3, "trial 3", recipe, {"l2.strength": 1e-4}, outcomes, higher_is_better)


def test_the_epoch_is_best_on_the_mean_curve_not_per_fold(outcome):
    # Each fold's own best is 0.1; the mean is least at the second epoch.
    scored = score([outcome([0.1, 0.4, 0.9], fold=0), outcome([0.9, 0.2, 0.1], fold=1)])
    assert scored.epoch == 2
    assert scored.score == pytest.approx(0.3)


def test_the_metric_may_point_up(outcome):
    scored = score([outcome([0.1, 0.4, 0.9], fold=0), outcome([0.9, 0.2, 0.3], fold=1)], higher_is_better=True)
    assert (scored.epoch, scored.score) == (3, pytest.approx(0.6))


def test_of_equal_epochs_the_earliest_is_taken(outcome):
    assert score([outcome([0.5, 0.25, 0.25, 0.25])]).epoch == 2


def test_error_is_the_standard_error_over_folds_and_seeds(outcome):
    values = [0.31, 0.44, 0.27, 0.39]
    members = [outcome([1.0, value], fold=at // 2, seed=at % 2) for at, value in enumerate(values)]
    assert score(members).error == pytest.approx(scipy.stats.sem(values))


def test_one_member_has_no_standard_error(outcome):
    assert math.isnan(score([outcome([0.5])]).error)


@pytest.mark.parametrize(("higher_is_better", "gap"), [(False, 0.2), (True, -0.2)])
def test_a_gap_is_positive_where_validation_is_worse(outcome, higher_is_better, gap):
    members = [outcome([0.5], [0.2], fold=0), outcome([0.7], [0.6], fold=1)]
    assert score(members, higher_is_better=higher_is_better).gap == pytest.approx(gap)


def test_without_a_clean_series_the_gap_is_unknown(outcome):
    assert math.isnan(score([outcome([0.5])]).gap)


def test_a_stopped_member_carries_its_restored_value_on(outcome):
    # Patience of two restored epoch 1 after epoch 3; the other fold went on to epoch 5.
    stopped = outcome([0.2, 0.6, 0.7], [0.1, 0.05, 0.02], fold=0, stopped=1)
    whole = outcome([0.9, 0.8, 0.6, 0.3, 0.2], [0.9, 0.8, 0.5, 0.2, 0.1], fold=1)
    np.testing.assert_array_equal(curves([stopped, whole], "score")[0], [0.2, 0.6, 0.7, 0.2, 0.2])
    scored = score([stopped, whole])
    assert (scored.epoch, scored.score, scored.gap) == (5, pytest.approx(0.2), pytest.approx(0.1))


def test_a_failed_member_rules_out_the_epochs_from_its_failure_on(outcome):
    members = [outcome([0.9, 0.8], fold=0, failure="NaN loss at step 7"), outcome([0.9, 0.7, 0.1], fold=1)]
    scored = score(members)
    assert (scored.epoch, scored.score, scored.failure) == (2, pytest.approx(0.75), None)


def test_a_member_that_failed_carries_nothing_on(outcome):
    members = [outcome([0.2, 0.6], stopped=1, failure="out of memory"), outcome([0.9, 0.8, 0.1], fold=1)]
    assert np.isnan(curves(members, "score")[0, 2])


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_only_finite_epochs_count(outcome, broken):
    assert score([outcome([0.5, broken, 0.4]), outcome([0.5, 0.1, broken], fold=1)]).epoch == 1


def test_a_recipe_without_a_sound_epoch_failed_with_the_first_cause(outcome):
    members = [outcome([0.5]), outcome([], fold=1, failure="out of memory"), outcome([], fold=2, failure="later")]
    scored = score(members)
    assert scored.failure == "fold 1, seed 0: out of memory"
    assert scored.epoch == 0
    assert all(math.isnan(value) for value in (scored.score, scored.error, scored.gap))
    assert member_scores(scored) == {}


def test_a_failure_without_a_cause_is_described(outcome):
    assert score([outcome([math.nan])]).failure == "no epoch has a finite score in every fold"


def test_member_scores_are_those_of_the_chosen_epoch(outcome):
    scored = score([outcome([0.9, 0.1], fold=0, seed=4), outcome([0.9, 0.3], fold=1, seed=4)])
    assert member_scores(scored) == {(0, 4): 0.1, (1, 4): 0.3}


def test_the_recipe_is_kept_as_text_that_reads_back(outcome):
    scored = score([outcome([0.5])])
    assert scored.recipe == toml.dumps(RECIPE)
    assert parse_recipe(scored.recipe) == RECIPE


def test_what_is_turned_to_zero_is_not_active(outcome):
    recipe = Recipe(
        L1(0.0), L2(1e-4), Dropout(rate=0.0), Dropout(k=0.0, label="half"), Rotation(0.0), Rotation(5, label="r")
    )
    assert score([outcome([0.5])], recipe=recipe).active == ("l2", "half", "r")


def test_no_outcome_is_refused():
    with pytest.raises(SearchError, match=r"trial 3 has no outcome: train it on at least one fold"):
        score([])


@given(st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=1, max_size=5))
def test_no_epoch_is_better_than_the_one_taken(rows):
    members = [Outcome(0, fold, 0, Curves({"score": row})) for fold, row in enumerate(rows)]
    scored = score(members)
    means = [math.fsum(row[at] for row in rows) / len(rows) for at in range(4)]
    assert scored.score == pytest.approx(min(means), abs=1e-12)
