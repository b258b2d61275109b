import pytest

from bridle.report.figures.scores import clipped, limits, symbol

SCORES = [1.0, 1.1, 1.2, 1.3, 50.0]


def test_scores_far_off_on_the_bad_side_fall_outside():
    low, high = limits(SCORES, higher_is_better=False)
    assert low < 1.0
    assert 1.3 < high < 3.0
    assert symbol(50.0, (low, high), chosen=False) == "triangle-up"
    assert 1.3 < clipped(50.0, (low, high)) < high


def test_nothing_is_cut_on_the_good_side():
    low, high = limits(SCORES, higher_is_better=True)
    assert low < 1.0
    assert high > 50.0
    low, _ = limits([-value for value in SCORES], higher_is_better=True)
    assert -3.0 < low < -1.3
    assert symbol(-50.0, (low, 0.0), chosen=False) == "triangle-down"


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5], [0.0]])
def test_equal_scores_have_an_axis_too(scores):
    low, high = limits(scores, higher_is_better=False)
    assert low < scores[0] < high


def test_the_chosen_one_is_a_diamond():
    assert symbol(1.0, (0.0, 2.0), chosen=True) == "diamond"
    assert symbol(1.0, (0.0, 2.0), chosen=False) == "circle"
