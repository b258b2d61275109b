import dataclasses
import math

import pytest

from bridle.records import Estimate
from bridle.report import reading
from bridle.report.reading import Standing


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 0.05, Standing.BETTER),
        (-0.05, -0.01, Standing.WORSE),
        (-0.01, 0.05, Standing.UNCLEAR),
        (0.0, 0.05, Standing.UNCLEAR),
        (-0.05, 0.0, Standing.UNCLEAR),
        (None, None, Standing.UNKNOWN),
        (math.nan, 0.1, Standing.UNKNOWN),
    ],
)
def test_only_a_whole_interval_says_better_or_worse(low, high, expected):
    assert reading.standing(Estimate(0.02, low, high)) is expected


def test_the_chosen_candidate_is_found_by_its_number(searched, single):
    assert reading.chosen_candidate(searched).number == searched.choice.number
    assert reading.chosen_candidate(single) is None
    lost = dataclasses.replace(searched, candidates=())
    assert reading.chosen_candidate(lost) is None


def test_curves_come_from_the_folds_of_the_choice_else_from_the_refits(searched, single, bare):
    assert reading.main_outcomes(searched) == reading.chosen_candidate(searched).outcomes
    assert reading.main_outcomes(single) == single.tested[0].outcomes
    assert reading.main_outcomes(bare) == ()


def test_only_the_main_metric_is_compared_in_the_verdict(searched):
    assert {comparison.metric for comparison in reading.main_comparisons(searched)} == {"log_loss"}
    assert reading.against(searched, "floor").other == "floor"
    assert reading.against(searched, "nobody") is None


def test_candidates_are_ranked_with_failures_last(searched):
    ranked = reading.ranked(searched, searched.candidates)
    scores = [candidate.score for candidate in ranked if math.isfinite(candidate.score)]
    assert scores == sorted(scores)
    assert len(scores) == 60
    assert [candidate.failure is not None for candidate in ranked[-2:]] == [True, True]
    turned = reading.ranked(dataclasses.replace(searched, higher_is_better=True), searched.candidates)
    assert [candidate.score for candidate in turned][:60] == scores[::-1]


def test_repeats_in_words(searched, single):
    assert reading.repeats(reading.main_outcomes(searched)) == "5 folds"
    assert reading.repeats(reading.main_outcomes(single)) == "5 seeds"
    assert reading.repeats(single.tested[0].outcomes[:1]) == "1 training"
