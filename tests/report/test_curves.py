import math

import pytest

from bridle.records import Curves, Outcome
from bridle.report.curves import POINTS, mean_curve, validation_curve


def outcome(stopped=None, **series):
    return Outcome(0, 0, 0, Curves(series), stopped=stopped)


def test_the_mean_over_folds_by_hand():
    curve = mean_curve((outcome(clean=[1.0, 2.0]), outcome(clean=[3.0, 6.0])), "clean")
    assert curve.epochs == (1, 2)
    assert curve.values == (2.0, 4.0)
    assert curve.members == 2


def test_a_stopped_fold_carries_its_restored_metric_on():
    folds = (outcome(stopped=2, clean=[1.0, 0.5, 0.9]), outcome(clean=[1.0, 1.0, 1.0, 1.5]))
    assert mean_curve(folds, "clean").values == (1.0, 0.75, 0.95, 1.0)


def test_other_series_of_a_stopped_fold_just_end():
    folds = (outcome(stopped=1, data_loss=[1.0, 3.0]), outcome(data_loss=[1.0, 1.0, 7.0]))
    assert mean_curve(folds, "data_loss").values == (1.0, 2.0, 7.0)


def test_the_length_of_other_series_counts_too():
    folds = (outcome(stopped=1, clean=[2.0], data_loss=[1.0, 1.0]), outcome(clean=[4.0, 6.0]))
    assert mean_curve(folds, "clean").values == (3.0, 4.0)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_left_out(broken):
    folds = (outcome(clean=[broken, 2.0, broken]), outcome(clean=[broken, 4.0, 1.0]))
    curve = mean_curve(folds, "clean")
    assert curve.epochs == (2, 3)
    assert curve.values == (3.0, 1.0)


def test_nothing_to_show():
    assert mean_curve((), "clean") is None
    assert mean_curve((outcome(clean=[]), outcome()), "clean") is None
    assert mean_curve((outcome(clean=[math.nan]),), "clean") is None


def test_long_curves_are_thinned_and_keep_their_ends():
    curve = mean_curve((outcome(clean=[float(epoch) for epoch in range(10_000)]),), "clean")
    assert len(curve.epochs) == POINTS
    assert (curve.epochs[0], curve.epochs[-1]) == (1, 10_000)
    assert all(value == epoch - 1 for epoch, value in zip(curve.epochs, curve.values, strict=True))


def test_watch_rows_stand_in_where_nothing_was_scored():
    assert validation_curve((outcome(score=[1.0], watch=[2.0]),)).values == (1.0,)
    assert validation_curve((outcome(watch=[2.0]),)).values == (2.0,)
    assert validation_curve((outcome(clean=[2.0]),)) is None
