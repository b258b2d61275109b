"""Frequencies by hand, and Shah and Samworth's bound against simulated selections."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from bridle.choosing.stability import fair_count, stability
from bridle.errors import SearchError


def test_frequencies_and_bound_by_hand():
    survived = np.zeros((100, 4), dtype=bool)
    survived[:, 2] = True
    survived[:95, 0] = True
    survived[:5, 1] = True
    found = stability("abcd", survived, 0.9)
    assert found.frequencies == (0.95, 0.05, 1.0, 0.0)
    assert found.stable == ("c", "a")
    assert (found.pairs, found.threshold) == (50, 0.9)
    assert found.mean_selected == pytest.approx(2.0)
    assert found.bound == pytest.approx(2.0**2 / (0.8 * 4))


def test_where_everything_survives_the_bound_says_nothing():
    found = stability("ab", np.ones((100, 2), dtype=bool), 0.6)
    assert found.bound == 2


def test_a_fair_count_bounds_false_features_by_one():
    for features in (5, 20, 300):
        count = fair_count(features, 0.9)
        assert count**2 / (0.8 * features) <= 1 < (count + 1) ** 2 / (0.8 * features)
    assert fair_count(1) == 1


@pytest.mark.parametrize(
    ("pairs", "threshold", "message"),
    [
        (49, 0.9, "needs at least 50 pairs of halves; got 49"),
        (50, 0.5, r"threshold of stability selection must lie in \(0.5, 1\]; got 0.5"),
        (50, 1.1, "got 1.1"),
    ],
)
def test_what_says_nothing_is_refused(pairs, threshold, message):
    with pytest.raises(SearchError, match=message):
        stability("ab", np.zeros((2 * pairs, 2), dtype=bool), threshold)


def halves(random, rows):
    order = random.permutation(rows)
    return order[: rows // 2], order[rows // 2 :]


def test_a_planted_sparse_problem_and_its_bound():
    """The lasso on halves: the three true features are stable, false ones fewer than the bound, over 20 data sets."""
    random = np.random.default_rng(0)
    false, bounds = [], []
    for _ in range(20):
        x = random.normal(size=(120, 30))
        y = x[:, 0] - x[:, 1] + 0.8 * x[:, 2] + random.normal(size=120)
        survived = np.array(
            [Lasso(alpha=0.18).fit(x[half], y[half]).coef_ != 0 for _ in range(50) for half in halves(random, 120)]
        )
        found = stability([f"x{number}" for number in range(30)], survived, 0.75)
        assert {"x0", "x1", "x2"} <= set(found.stable)
        assert min(found.frequencies[:3]) > 0.95
        assert np.mean(found.frequencies[3:]) < 0.2
        false.append(len(found.stable) - 3)
        bounds.append(found.bound)
    assert np.mean(false) <= np.mean(bounds)


def test_the_bound_holds_where_all_features_are_noise():
    """The worst that it must cover: nothing is true, and a half selects the five largest correlations of twenty."""
    random = np.random.default_rng(1)
    false = []
    for _ in range(60):
        x, y = random.normal(size=(100, 20)), random.normal(size=100)
        survived = np.zeros((100, 20), dtype=bool)
        for pair in range(50):
            for side, half in enumerate(halves(random, 100)):
                strength = np.abs((x[half] - x[half].mean(0)).T @ (y[half] - y[half].mean()))
                survived[2 * pair + side, np.argsort(-strength)[:5]] = True
        found = stability([str(number) for number in range(20)], survived, 0.7)
        assert found.mean_selected == 5
        false.append(len(found.stable))
    assert 0 < np.mean(false) <= 5**2 / (0.4 * 20)
