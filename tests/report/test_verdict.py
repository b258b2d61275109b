import dataclasses
import math

import pytest

from bridle.records import Comparison, Estimate
from bridle.report.verdict import verdict


@pytest.fixture
def plain(searched):
    """The search with nothing said of the gap."""
    return dataclasses.replace(searched, baselines=())


def compared(evidence, low, high, other="none"):
    value = 0.03 if low is None else (low + high) / 2
    return dataclasses.replace(evidence, comparisons=(Comparison(other, "log_loss", Estimate(value, low, high)),))


def test_better(searched):
    assert verdict(searched) == (
        "The chosen recipe (L2 3e-4, dropout 0.2, rotation 10, EMA) reaches log-loss 0.081 [0.061, 0.101] on 360 "
        "sealed test rows: 0.040 [0.022, 0.058] better than no regularization; the gap fell from 0.09 to 0.05."
    )


def test_no_difference_is_said_so(plain):
    said = verdict(compared(plain, -0.01, 0.05))
    assert said.endswith(
        "against no regularization no difference that these 360 rows can show (0.02 better [-0.01, 0.05])."
    )
    said = verdict(compared(plain, -0.05, 0.01))
    assert said.endswith("(0.02 worse [-0.05, 0.01]).")


def test_worse_is_said_so_with_the_interval_turned(plain):
    assert verdict(compared(plain, -0.05, -0.01)).endswith(": 0.030 [0.010, 0.050] worse than no regularization.")


def test_a_difference_without_an_interval(plain):
    said = verdict(compared(plain, None, None))
    assert said.endswith(": 0.03 better than no regularization, without an interval.")


def test_another_that_is_better_is_named(plain):
    said = verdict(compared(plain, -0.05, -0.01, other="early stopping"))
    assert said.endswith(": worse than early stopping only (0.030 [0.010, 0.050]).")


def test_the_gap_can_grow_or_stay(searched):
    def with_gap(gap):
        number = searched.choice.number
        return dataclasses.replace(
            searched,
            candidates=tuple(
                dataclasses.replace(candidate, gap=gap) if candidate.number == number else candidate
                for candidate in searched.candidates
            ),
        )

    assert "the gap grew from 0.09 to 0.12." in verdict(with_gap(0.12))
    assert "the gap stayed at 0.09." in verdict(with_gap(0.0901))
    assert "the gap" not in verdict(with_gap(math.nan))


def test_a_single_training_claims_no_more_than_its_score(single):
    assert verdict(single) == (
        "The given recipe (L2 3e-4, dropout 0.2, rotation 10, EMA) reaches log-loss 0.090 [0.070, 0.110] on 200 sealed "
        "test rows."
    )


def test_a_search_without_a_test_says_that_its_score_is_optimistic(plain):
    said = verdict(dataclasses.replace(plain, tested=(), comparisons=()))
    assert "log-loss 0.083 ± 0.006 on the folds that chose it, which is optimistic" in said
    assert "not been scored on sealed test rows" in said


def test_nothing_known(bare):
    assert verdict(bare) == "The given recipe (no regularizer) has not been scored on sealed test rows."


def test_a_score_that_is_not_finite(single):
    broken = dataclasses.replace(single.tested[0], metrics={"log_loss": Estimate(math.nan)})
    said = verdict(dataclasses.replace(single, tested=(broken,)))
    assert said.endswith("gave no finite log-loss on the sealed test rows.")


def test_rows_of_unknown_number(plain):
    data = dataclasses.replace(plain.data, rows={})
    said = verdict(compared(dataclasses.replace(plain, data=data), -0.01, 0.05))
    assert "on the sealed test rows: against no regularization no difference that these test rows can show" in said
