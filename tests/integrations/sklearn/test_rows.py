import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

from bridle import BridleClassifier
from bridle.errors import DataError

N = 60
RNG = np.random.default_rng(0)
COLOUR = np.array(["red", "green", "blue"])[np.arange(N) % 3]
SIZE = RNG.normal(size=N)
NOISE = RNG.normal(size=N)
Y = np.where(COLOUR == "red", "yes", "no")


@pytest.fixture
def frame():
    size = SIZE.copy()
    size[::7] = np.nan
    return {"size": size, "colour": [None if row == 5 else name for row, name in enumerate(COLOUR)], "noise": NOISE}


@pytest.fixture
def estimator(fixed):
    return BridleClassifier(fixed, random_state=0).set_params(recipe__training__epochs=20)


def frames(frame):
    """The same table as polars and, where it is there, as pandas in several of its types."""
    yield pl.DataFrame(frame)
    try:
        import pandas as pd
    except ImportError:
        return
    yield pd.DataFrame(frame)
    yield pd.DataFrame(frame).astype({"colour": "category", "size": "Float64"})
    yield pd.DataFrame(frame, index=range(1000, 1000 + N)).astype({"colour": "string"})


def test_frames_keep_their_types_and_give_one_result(frame, estimator):
    found = [clone(estimator).fit(each, Y) for each in frames(frame)]
    assert found[0].feature_names_in_.tolist() == ["size", "colour", "noise"]
    assert found[0].n_features_in_ == 3
    assert found[0].evidence_.data.shape == (3,)
    assert found[0].score(next(frames(frame)), Y) > 0.95
    expected = found[0].predict_proba(next(frames(frame)))
    for one, each in zip(found, frames(frame), strict=True):
        np.testing.assert_array_equal(one.predict_proba(each), expected)


def test_a_category_that_fit_did_not_see_is_predicted(frame, estimator):
    found = estimator.fit(pl.DataFrame(frame), Y)
    new = pl.DataFrame({"size": [0.0], "colour": ["violet"], "noise": [0.0]})
    assert found.predict(new)[0] in ("yes", "no")


def test_the_users_frame_is_left_as_it_is(frame, estimator):
    given = pl.DataFrame(frame)
    estimator.fit(given, Y)
    assert given.equals(pl.DataFrame(frame), null_equal=True)
    assert given.columns == ["size", "colour", "noise"]


def test_a_column_may_be_called_like_the_target(frame, estimator):
    given = pl.DataFrame(frame).rename({"size": "target", "noise": "target_"})
    assert estimator.fit(given, Y).evidence_.data.target == "target__"
    assert estimator.score(given, Y) > 0.95


def test_missing_numbers_are_allowed_in_arrays(estimator):
    X = np.column_stack([np.where(Y == "yes", 1.0, -1.0) + 0.1 * SIZE, NOISE])
    X[::5] = np.nan
    assert estimator.fit(X, Y).score(X[1:5], Y[1:5]) == 1.0


@pytest.mark.parametrize("categorical", [0, [0], "x0", ["x0"]])
def test_numbers_may_be_categories(categorical, estimator):
    codes = np.array([3, 1, 2])[np.arange(N) % 3]  # the class is neither at an end nor monotone
    target = (codes == 2).astype(int)
    X = np.column_stack([codes, NOISE])
    found = clone(estimator).set_params(categorical=categorical).fit(X, target)
    columns = found._networks[0].layout.columns
    assert {column.name: column.categories for column in columns} == {"x0": ("1", "2", "3"), "x1": None}
    assert found.score(X, target) > 0.95


@pytest.mark.parametrize("categorical", [2, [0, -1]])
def test_a_position_that_is_not_there_is_refused(categorical, estimator):
    with pytest.raises(DataError, match=r"categorical must name columns, or count them from 0 to 1; got (2|-1)"):
        estimator.set_params(categorical=categorical).fit(np.column_stack([SIZE, NOISE]), Y)


def test_texts_in_an_array_are_refused(estimator):
    for texts in (COLOUR, COLOUR.astype(object)):
        with pytest.raises(DataError, match=r"X must hold numbers where it is no data frame .* pandas or polars"):
            estimator.fit(texts.reshape(-1, 1), Y)


def test_sparse_rows_are_refused(estimator):
    with pytest.raises(TypeError, match=r"Sparse data was passed.*toarray"):
        estimator.fit(csr_array(np.eye(N)), Y)


def test_another_number_of_columns_is_refused(estimator):
    X = np.column_stack([SIZE, NOISE])
    with pytest.raises(ValueError, match=r"X has 1 features, but BridleClassifier is expecting 2 features"):
        estimator.fit(X, Y).predict(X[:, :1])


def test_other_names_of_columns_are_refused(frame, estimator):
    given = pl.DataFrame(frame)
    with pytest.raises(ValueError, match=r"(?s)feature names should match.*unseen at fit time:\n- width"):
        estimator.fit(given, Y).predict(given.rename({"size": "width"}))


def test_infinite_numbers_are_refused(estimator):
    X = np.column_stack([SIZE, NOISE])
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        estimator.fit(X, Y)


def test_a_frame_of_one_row_is_refused(frame, estimator):
    with pytest.raises(DataError, match=r"X holds 1 sample\(s\); fit needs at least 2"):
        estimator.fit(pl.DataFrame(frame)[:1], Y[:1])


def test_y_is_needed(estimator):
    with pytest.raises(DataError, match="BridleClassifier requires y to be passed, but the target y is None"):
        estimator.fit(np.eye(4))


def test_y_must_be_as_long_as_x(estimator):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 59\]"):
        estimator.fit(np.column_stack([SIZE, NOISE]), Y[1:])


@pytest.mark.parametrize("shape", [(3, 3), (2,), (1, 1, 1, 2)])
def test_an_image_shape_must_fit(shape, estimator):
    with pytest.raises(DataError, match=r"image_shape must be \(height, width\) or .* for 2 columns"):
        estimator.set_params(image_shape=shape).fit(np.column_stack([SIZE, NOISE]), Y)
