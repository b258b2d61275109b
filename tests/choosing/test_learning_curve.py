"""The power law recovers what was planted, and its intervals are those of the t-test where that is known."""

import math

import numpy as np
import pytest
from scipy.optimize import curve_fit

from bridle.choosing.learning_curve import at_rows, fit_power_law, learning_curve, part_recipe
from bridle.choosing.statistics import corrected_t
from bridle.core import Recipe, Training
from bridle.errors import SearchError
from bridle.records import PowerLaw
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping

ROWS = np.array([100.0, 200.0, 400.0, 600.0, 800.0])


@pytest.mark.parametrize("law", [PowerLaw(0.2, 3.0, 0.5), PowerLaw(0.05, 0.8, 0.2), PowerLaw(0.0, 40.0, 1.3)])
def test_planted_laws_are_found(law):
    scores = law.limit + law.scale * ROWS**-law.exponent
    found = fit_power_law(ROWS, scores, higher_is_better=False)
    assert found.exponent == pytest.approx(law.exponent, rel=1e-3)
    assert found.limit == pytest.approx(law.limit, abs=1e-3)
    assert at_rows(found, 1600) == pytest.approx(law.limit + law.scale * 1600**-law.exponent, abs=1e-4)


def test_where_higher_is_better_it_rises_to_its_limit():
    found = fit_power_law(ROWS, 0.9 - 2 * ROWS**-0.6, higher_is_better=True)
    assert (found.limit, found.scale, found.exponent) == pytest.approx((0.9, -2.0, 0.6), rel=1e-3)


def test_it_is_the_least_squares_fit_of_scipy():
    random = np.random.default_rng(0)
    errors = np.array([0.02, 0.01, 0.01, 0.005, 0.005])
    scores = 0.1 + 2 * ROWS**-0.5 + errors * random.normal(size=5)
    found = fit_power_law(ROWS, scores, errors, higher_is_better=False)
    other, _ = curve_fit(lambda n, a, b, c: a + b * n**-c, ROWS, scores, p0=(0.1, 2, 0.5), sigma=errors)
    assert (found.limit, found.scale, found.exponent) == pytest.approx(tuple(other), rel=1e-3)


@pytest.mark.parametrize(("higher", "ideal"), [(False, 0.0), (True, 1.0)])
def test_the_limit_is_possible(higher, ideal):
    line = np.log(ROWS / ROWS[0])
    scores = 0.3 + 0.2 * line if higher else 0.7 - 0.2 * line
    found = fit_power_law(ROWS, scores, higher_is_better=higher)
    assert found.limit == pytest.approx(ideal)
    assert (found.scale < 0) is higher


@pytest.mark.parametrize("higher", [False, True])
def test_where_more_rows_do_not_help_the_law_is_flat(higher):
    worse = ROWS / 8000
    found = fit_power_law(ROWS, 0.5 - worse if higher else 0.5 + worse, higher_is_better=higher)
    assert (found.scale, found.exponent) == (0.0, 0.0)
    assert at_rows(found, 1600) == pytest.approx(np.mean(0.5 - worse if higher else 0.5 + worse))


@pytest.mark.parametrize(("rows", "scores"), [([10, 20, 20], [1.0, 0.5, 0.4]), ([10, 20, 40], [1.0, math.nan, 0.4])])
def test_what_no_law_can_go_through_is_refused(rows, scores):
    with pytest.raises(SearchError, match="A power law needs finite scores at three or more numbers of training rows"):
        fit_power_law(rows, scores, higher_is_better=False)


def measured(splits=10, noise=0.01, seed=0, higher=False):
    random = np.random.default_rng(seed)
    means = 0.1 + 2 * ROWS**-0.5
    scores = means[:, None] + noise * random.normal(size=splits) + 0.2 * noise * random.normal(size=(5, splits))
    return learning_curve(
        ROWS.tolist(),
        1 - scores if higher else scores,
        [9, 8, 7, 6, 5],
        all_rows=1000,
        score_rows=200,
        higher_is_better=higher,
        seed=0,
    )


def test_the_curve_with_its_law():
    found = measured()
    assert [point.rows for point in found.points] == ROWS.tolist()
    assert [point.epoch for point in found.points] == [9, 8, 7, 6, 5]
    assert found.points[0].score == corrected_t(found.points[0].score.values, 800, 200)
    assert found.fitted[0].rows == pytest.approx(100)
    assert found.fitted[-1].rows == pytest.approx(2000)
    assert found.fitted[-1].score == found.doubled
    truth = 2 * (1000**-0.5 - 2000**-0.5)
    assert found.gain.low < truth < found.gain.high
    assert found.gain.value == pytest.approx(truth, abs=0.005)
    assert (found.rows, found.splits) == (1000, 10)


def test_a_gain_is_positive_whichever_way_the_metric_points():
    low, high = measured(), measured(higher=True)
    assert high.gain.value == pytest.approx(low.gain.value, abs=1e-6)
    assert high.gain.low == pytest.approx(low.gain.low, abs=1e-5)
    assert high.doubled.value == pytest.approx(1 - low.doubled.value, abs=1e-6)


def test_the_interval_within_the_data_is_that_of_the_t_test():
    """A fold's own level moves the whole curve, so the law at the largest size is as uncertain as the mean there."""
    found = measured(splits=30, noise=0.02)
    last, law = found.points[-1].score, min(found.fitted, key=lambda point: abs(point.rows - 800)).score
    assert (law.high - law.low) / (last.high - last.low) == pytest.approx(1.0, abs=0.15)


def test_the_extrapolation_covers_the_truth():
    truth = 2 * (1000**-0.5 - 2000**-0.5)
    covered = [measured(seed=seed).gain for seed in range(12)]
    assert sum(gain.low <= truth <= gain.high for gain in covered) >= 11


def test_a_single_split_has_no_intervals():
    found = learning_curve(
        [10.0, 20.0, 40.0],
        np.array([[0.5], [0.4], [0.35]]),
        [1, 1, 1],
        all_rows=50,
        score_rows=10,
        higher_is_better=False,
        seed=0,
    )
    assert found.gain.low is None
    assert found.doubled.high is None


def test_every_part_sees_as_many_examples():
    recipe = Recipe(L2(1e-3), EarlyStopping(patience=2), training=Training(epochs=30, stop_after=7))
    assert part_recipe(recipe, 0.125) == Recipe(L2(1e-3), training=Training(epochs=240))
    assert part_recipe(recipe, 1.0) == Recipe(L2(1e-3), training=Training(epochs=30))
