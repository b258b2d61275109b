import numpy as np
import pytest
import sklearn.metrics

from bridle.metrics import regression

THEIRS = {
    "rmse": sklearn.metrics.root_mean_squared_error,
    "mae": sklearn.metrics.mean_absolute_error,
    "r2": sklearn.metrics.r2_score,
}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("weighted", [False, True])
def test_against_scikit_learn(name, weighted):
    rng = np.random.default_rng(0)
    targets, predictions = rng.normal(100, 5, 200), rng.normal(100, 5, 200)
    weights = rng.uniform(0, 2, 200) if weighted else None
    expected = THEIRS[name](targets, predictions, sample_weight=weights)
    np.testing.assert_allclose(getattr(regression, name)(targets, predictions, weights), expected, rtol=1e-10)


def test_r2_of_a_constant_target_is_nan():
    assert np.isnan(regression.r2(np.ones(3), np.array([1.0, 2.0, 3.0])))
