import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from bridle import BridleClassifier
from bridle.core import Recipe, Training, between
from bridle.errors import DataError
from bridle.regularizers.augment import Shift
from bridle.regularizers.penalties import L2

TRAINING = Training(epochs=8, batch_size=16, learning_rate=1e-2)
FIXED = BridleClassifier(Recipe(L2(1e-4), training=TRAINING), random_state=0)
SEARCHED = BridleClassifier(Recipe(L2(between(1e-6, 1e-3)), training=TRAINING), trials=1, folds=2)


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
    check_dataframe_column_names_consistency("BridleClassifier", FIXED)


@pytest.mark.slow
def test_the_default_searches_and_trains():
    X, y = load_iris(return_X_y=True)
    X, y = X[50:][::3], y[50:][::3]
    found = BridleClassifier(random_state=0).fit(X, y)
    assert len(found.evidence_.candidates) == 24
    assert found.choice_.rule == "one-se"
    assert not found.recipe_.is_space
    assert found.score(X, y) > 0.85


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_real_data_beside_logistic_regression(load):
    X, y = load(return_X_y=True)
    recipe = Recipe(L2(1e-3), training=TRAINING.replace(epochs=12, batch_size=32))
    ours = cross_val_score(BridleClassifier(recipe, random_state=0), X, y, cv=3).mean()
    linear = cross_val_score(make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), X, y, cv=3).mean()
    assert ours > max(linear - 0.02, 0.92)


@pytest.mark.parametrize("labels", [["b", "a", "c "], [10, 2, -3], [True, False]])
def test_classes_are_the_users_own(labels, fixed):
    X, y = load_iris(return_X_y=True)
    kept = y < len(labels)
    X, y = X[kept], np.asarray(labels)[y[kept]]
    found = BridleClassifier(fixed, random_state=0).fit(X, y)
    assert found.classes_.tolist() == sorted(labels)
    assert found.evidence_.data.classes == tuple(str(label) for label in sorted(labels))
    chances = found.predict_proba(X)
    np.testing.assert_allclose(chances.sum(1), 1.0)
    np.testing.assert_array_equal(found.predict(X), found.classes_[chances.argmax(1)])
    assert found.score(X, y) > 0.8


def test_rows_may_be_images():
    X, y = load_digits(return_X_y=True)
    recipe = Recipe(Shift(0.1), L2(1e-4), training=TRAINING.replace(epochs=3, batch_size=64))
    found = BridleClassifier(recipe, image_shape=(8, 8), random_state=0).fit(X[:600], y[:600])
    assert (found.evidence_.data.kind, found.evidence_.data.shape) == ("image", (1, 8, 8))
    assert found.n_features_in_ == 64
    assert found.score(X[600:900], y[600:900]) > 0.6
    np.testing.assert_array_equal(found.predict(X[600:610]), found.predict(X[600:900])[:10])


def test_the_probabilities_of_several_seeds_are_averaged(fixed):
    X, y = load_iris(return_X_y=True)
    alone = [BridleClassifier(fixed, random_state=seed).fit(X, y).predict_proba(X) for seed in (3, 4)]
    together = BridleClassifier(fixed, seeds=2, random_state=3).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(together, (alone[0] + alone[1]) / 2, rtol=1e-12)
    assert np.abs(alone[0] - alone[1]).max() > 1e-4


def test_one_class_is_refused():
    with pytest.raises(DataError, match=r"y holds 1 class \('a'\) among the rows with a weight; .*at least 2 classes"):
        FIXED.fit(np.eye(4), ["a"] * 4)


def test_numbers_are_no_classes():
    with pytest.raises(ValueError, match=r"Unknown label type: continuous"):
        FIXED.fit(np.eye(4), [0.1, 0.2, 0.3, 0.4])


def test_classes_of_a_row_or_two_are_searched_and_known(space):
    X, y = load_iris(return_X_y=True)
    found = BridleClassifier(space, trials=1, folds=3, random_state=0).fit(X[:101], y[:101])
    assert found.evidence_.command["folds"] == 3
    assert found.choice_ is not None
    assert found.predict_proba(X).shape == (150, 3)


def test_a_row_per_class_cannot_be_searched(space):
    with pytest.raises(ValueError, match="n_splits=2 cannot be greater than the number of members in each class"):
        BridleClassifier(space, trials=1).fit(np.eye(4)[:, :3], np.arange(4))
