"""What an evaluation says of itself: the same rows in any order, and costs that are lower where it went better."""

import pytest
from torch import nn

from bridle.auditing.witnessed import Evaluation, Forward, Witnessed


def evaluation(**parts):
    return Evaluation(nn.Linear(1, 1), b"weights", 1, None, frozenset(), False, False, **parts)


def test_costs_are_means_over_rows():
    one = evaluation(losses=[(1.0, 30), (4.0, 10)], right=[(0.5, 30), (0.9, 10)])
    assert one.costs == pytest.approx({"loss": 1.75, "error": 0.4})


def test_what_was_not_measured_is_no_cost():
    assert evaluation().costs == {}
    assert evaluation(losses=[(float("nan"), 3)], right=[(1.0, 3)]).costs == {"error": 0.0}


def test_the_key_is_that_of_the_rows():
    assert evaluation(rows=3, total=7).key == evaluation(rows=3, total=7, losses=[(1.0, 3)]).key
    assert evaluation(rows=3, total=7).key != evaluation(rows=3, total=8).key


def test_the_first_call_of_a_model_or_of_what_wraps_it():
    inner = nn.Linear(1, 1)
    call = Forward(nn.Sequential(inner), (), {})
    assert Witnessed(forwards=[call]).forward_of(inner) is call
    assert Witnessed(forwards=[call]).forward_of(nn.Linear(1, 1)) is None
