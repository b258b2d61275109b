import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from bridle import BridleRegressor
from bridle.core import Recipe, Training, between
from bridle.errors import DataError, RecipeError
from bridle.regularizers.penalties import L2
from bridle.regularizers.targets import LabelSmoothing

TRAINING = Training(epochs=8, batch_size=16, learning_rate=1e-2)
FIXED = BridleRegressor(Recipe(L2(1e-4), training=TRAINING), random_state=0)
SEARCHED = BridleRegressor(Recipe(L2(between(1e-6, 1e-3)), training=TRAINING), trials=1, folds=2)


def expected_failures(_estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": "Batches are drawn and quartiles taken over rows: a row of "
        "weight 3 meets others than the same row three times. Weight 0 is absence, exactly: see test_base.py."
    }


@parametrize_with_checks([FIXED], expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([SEARCHED], expected_failed_checks=expected_failures)
def test_scikit_learns_checks_of_a_search(estimator, check):
    check(estimator)


def test_scikit_learns_check_of_names_of_columns():
    pytest.importorskip("pandas")
    check_dataframe_column_names_consistency("BridleRegressor", FIXED)


def test_real_data_beside_ridge():
    X, y = load_diabetes(return_X_y=True)
    recipe = Recipe(L2(1e-2), training=TRAINING.replace(batch_size=32))
    ours = cross_val_score(BridleRegressor(recipe, random_state=0), X, y, cv=3).mean()
    linear = cross_val_score(Ridge(0.1), X, y, cv=3).mean()
    assert ours > linear - 0.05


def test_predictions_are_in_the_unit_of_y():
    X, y = load_diabetes(return_X_y=True)
    found = FIXED.fit(X, y)
    moved = BridleRegressor(**FIXED.get_params(deep=False)).fit(X, y * 1000 + 5e5)
    np.testing.assert_allclose(moved.predict(X), found.predict(X) * 1000 + 5e5, rtol=1e-3)
    assert found.predict(X).dtype == np.float64


def test_a_constant_is_refused():
    with pytest.raises(DataError, match=r"the target 'target' has the same value in every row \(2\)"):
        FIXED.fit(np.eye(4), [2.0] * 4)


def test_a_recipe_for_classes_is_refused():
    with pytest.raises(RecipeError, match="label_smoothing acts on classes; this is a regression"):
        BridleRegressor(Recipe(LabelSmoothing(0.1), training=TRAINING)).fit(np.eye(4), [1.0, 2.0, 3.0, 4.0])
