import math
import re
from dataclasses import replace

import pytest

from bridle.choosing.scoring import candidate
from bridle.choosing.selection import select
from bridle.core import Recipe
from bridle.errors import SearchError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2

NONE, ONE, TWO = Recipe(), Recipe(L2(1e-4)), Recipe(L2(1e-4), Dropout(rate=0.2))


@pytest.fixture
def tried(outcome):
    """Makes a candidate from its score in each fold, with a gap of our choice."""

    def make(number, scores, recipe=ONE, gap=0.1, higher_is_better=False):
        clean = [score + gap if higher_is_better else score - gap for score in scores]
        members = [outcome([s], [c], fold=at) for at, (s, c) in enumerate(zip(scores, clean, strict=True))]
        return candidate(number, f"trial {number}", recipe, {}, members, higher_is_better)

    return make


@pytest.fixture
def failed(outcome):
    def make(number, cause):
        return candidate(number, f"trial {number}", ONE, {}, [outcome([], failure=cause)], False)

    return make


def test_best_takes_the_best_mean(tried):
    choice = select(
        [tried(0, [0.5, 0.6]), tried(1, [0.1, 0.2], TWO)], "best", higher_is_better=False, metric="log-loss"
    )
    assert (choice.number, choice.best, choice.rule) == (1, 1, "best")
    assert choice.reason == "trial 1 has the best mean log-loss of 2: 0.15 ± 0.05 after epoch 1."


def test_best_follows_the_metrics_direction(tried):
    candidates = [tried(0, [0.5, 0.6], higher_is_better=True), tried(1, [0.1, 0.2], higher_is_better=True)]
    assert select(candidates, "best", higher_is_better=True).number == 0


def test_the_simplest_within_one_standard_error_is_taken(tried):
    best = tried(0, [0.10, 0.20, 0.30, 0.40], TWO)
    simple = tried(1, [0.12, 0.19, 0.32, 0.40], ONE)
    choice = select([best, simple], higher_is_better=False, metric="log-loss")
    assert (choice.number, choice.best, choice.rule, choice.within) == (1, 0, "one-se", (1, 0))
    assert choice.reason == (
        "trial 1 has the fewest regularizers (1 active regularizer) among the 2 recipes within one standard error of "
        "the best mean log-loss: 0.2575 ± 0.063 after epoch 1, against 0.25 ± 0.065 after epoch 1 for trial 0 with 2 "
        "active regularizers."
    )


def test_the_difference_is_paired_by_fold(tried):
    # The folds differ far more than the recipes, yet the second is worse by the same amount in each.
    best = tried(0, [0.1, 0.5, 0.9, 1.3], TWO)
    worse = tried(1, [0.1101, 0.5099, 0.9101, 1.3099], NONE)
    assert worse.score - best.score < 0.1 * best.error
    assert select([best, worse], higher_is_better=False).number == 0


@pytest.mark.parametrize(("mean", "within"), [(0.57, True), (0.58, False)])
def test_the_border_is_one_standard_error_of_the_difference(tried, mean, within):
    # Differences m - 1, m and m + 1 have mean m and standard error 1 / sqrt(3) = 0.577...
    best = tried(0, [2.0, 2.0, 2.0], TWO)
    near = tried(1, [2.0 + mean - 1, 2.0 + mean, 2.0 + mean + 1], NONE)
    assert (select([best, near], higher_is_better=False).number == 1) is within


def test_of_equally_simple_recipes_the_smallest_gap_wins(tried):
    candidates = [tried(0, [0.1, 0.3], gap=0.3), tried(1, [0.13, 0.29], gap=0.05), tried(2, [0.13, 0.29], gap=0.2)]
    choice = select(candidates, higher_is_better=False)
    assert choice.within == (1, 2, 0)
    assert "and, of the 3 with as few, the smallest gap (0.05)" in choice.reason


def test_an_unknown_gap_comes_last(tried, outcome):
    unknown = candidate(1, "trial 1", ONE, {}, [outcome([0.1], fold=0), outcome([0.3], fold=1)], False)
    assert math.isnan(unknown.gap)
    assert select([unknown, tried(2, [0.1, 0.3], gap=9.0)], higher_is_better=False).within == (2, 1)


def test_equal_in_everything_the_first_is_taken(tried):
    choice = select([tried(5, [0.1, 0.3]), tried(2, [0.1, 0.3])], higher_is_better=False)
    assert (choice.number, choice.best) == (2, 2)


def test_with_one_member_only_a_tie_is_within(tried):
    assert select([tried(0, [0.1], TWO), tried(1, [0.1001], NONE)], higher_is_better=False).within == (0,)
    assert select([tried(0, [0.1], TWO), tried(1, [0.1], NONE)], higher_is_better=False).within == (1, 0)


def test_recipes_that_share_no_fold_cannot_be_near(tried, outcome):
    other = candidate(1, "trial 1", NONE, {}, [outcome([0.1], fold=8), outcome([0.3], fold=9)], False)
    assert select([tried(0, [0.1, 0.3], TWO), other], higher_is_better=False).within == (0,)


def test_where_the_best_is_alone_the_reason_says_so(tried):
    choice = select([tried(0, [0.1, 0.2]), tried(1, [5.0, 5.1])], higher_is_better=False)
    assert choice.reason == (
        "trial 0 has the best mean score, 0.15 ± 0.05 after epoch 1, and no other recipe is within one standard error "
        "of it."
    )


def test_where_the_best_is_the_simplest_the_reason_says_so(tried):
    choice = select([tried(0, [0.1, 0.3], NONE), tried(1, [0.09, 0.32], TWO)], higher_is_better=False)
    assert choice.number == 0
    assert choice.reason.startswith("trial 0 has the fewest regularizers (no active regularizers) among the 2 recipes")
    assert "which is its own: 0.2 ± 0.1 after epoch 1." in choice.reason


@pytest.mark.parametrize("rule", ["one-se", "best"])
def test_failed_recipes_are_never_chosen(tried, failed, rule):
    assert select([failed(0, "NaN"), tried(1, [0.5, 0.6]), failed(2, "NaN")], rule, higher_is_better=False).number == 1


def test_if_all_failed_the_first_cause_is_told(failed):
    text = "All 2 tried recipes failed; the first cause (trial 4): fold 0, seed 0: out of memory"
    with pytest.raises(SearchError, match=re.escape(text)):
        select([failed(4, "out of memory"), failed(5, "NaN")], higher_is_better=False)


def test_what_was_dropped_is_never_chosen_however_good(tried):
    dropped = replace(tried(0, [0.1, 0.1]), until=3)
    choice = select([dropped, tried(1, [0.5, 0.6])], higher_is_better=False)
    assert (choice.number, choice.best, choice.within) == (1, 1, (1,))


def test_if_all_that_went_on_failed_the_first_cause_is_told(tried, failed):
    dropped = replace(tried(0, [0.1, 0.1]), until=3)
    text = "All 1 recipes that went on failed; the first cause (trial 4): fold 0, seed 0: NaN"
    with pytest.raises(SearchError, match=re.escape(text)):
        select([dropped, failed(4, "NaN")], higher_is_better=False)


def test_nothing_tried_is_refused():
    with pytest.raises(SearchError, match=r"There is no candidate to choose from: the search tried none\."):
        select([], higher_is_better=False)


def test_an_unknown_rule_is_refused(tried):
    with pytest.raises(SearchError, match=r"The selection rule must be one of one-se, best; got '1se'\."):
        select([tried(0, [0.1, 0.2])], "1se", higher_is_better=False)


def test_a_penalty_of_strength_zero_does_not_count(tried):
    off = tried(1, [0.1, 0.3], Recipe(L1(0.0)))
    assert select([tried(0, [0.1, 0.3], ONE), off], higher_is_better=False).number == 1
