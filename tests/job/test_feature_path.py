"""`bridle.feature_path` on small tables, and what it refuses."""

import numpy as np
import polars as pl
import pytest

import bridle
from bridle.errors import DataError, DialError, SearchError
from bridle.records.feature_path import CountScore, PathStep

SMALL = {"folds": 2, "width": 6, "factor": 1.5, "epochs": 4}


def frame(rows=200):
    random = np.random.default_rng(1)
    values = {name: random.normal(size=rows) for name in "abcd"}
    colour = random.choice(["red", "green", "blue"], rows)
    kind = np.where(values["a"] - values["b"] + 2.0 * (colour == "red") > 0.5, "yes", "no")
    return pl.DataFrame(values | {"colour": colour, "kind": kind})


@pytest.fixture(scope="module")
def found():
    return bridle.feature_path((frame(), "kind"), metric="accuracy", **SMALL)


def test_what_decides_is_what_lasts(found):
    assert set(found.select(3)) == {"a", "b", "colour"}
    assert found.features == ("a", "b", "c", "d", "colour")
    assert found.best == found.select(found.chosen.count)
    assert found.importance[found.best[0]] == max(found.importance.values())
    assert found.metric == "accuracy"
    assert found.chosen in found.scores
    assert all(len(item.scores) == 2 for item in found.scores)


def test_importance_is_the_strength_that_drops_a_feature(found):
    for number, name in enumerate(found.features):
        first = next(step for step in found.steps if number not in step.features)
        assert found.importance[name] == first.strength


def test_of_features_that_go_together_the_one_with_larger_weights_comes_first():
    steps = (PathStep(0.0, (0, 1, 2), 0.9, 0.1, (1.0, 2.0, 3.0)), PathStep(0.5, (2,), 0.8, 0.2, (1.0,)))
    steps += (PathStep(0.6, (), 0.5, 0.7, ()),)
    scores = (CountScore(3, (0.9,), 0.9, float("nan")),)
    path = bridle.FeaturePath("t", ("a", "b", "c"), steps, scores, scores[0], "accuracy", 1.0)
    assert path.importance == {"a": 0.5, "b": 0.5, "c": 0.6}
    assert path.select(3) == ("c", "b", "a")


def test_it_is_said_in_a_sentence_and_drawn(found, tmp_path):
    assert str(found).startswith(f"{found.chosen.count} of 5 features are kept: accuracy 0.")
    page = found.plot(tmp_path / "path.html").read_text(encoding="utf-8")
    assert str(found) in page


@pytest.mark.parametrize("count", [0, 6, 2.0, True, "3"])
def test_select_takes_a_number_of_features(found, count):
    with pytest.raises(DataError, match=r"select takes a whole number from 1 to 5, all features; got"):
        found.select(count)


def test_a_regression_from_a_file(tmp_path):
    random = np.random.default_rng(2)
    table = pl.DataFrame({name: random.normal(size=150) for name in "abc"})
    table.with_columns(price=3 * pl.col("b") + 0.01 * pl.col("a")).write_csv(tmp_path / "t.csv")
    found = bridle.feature_path(tmp_path / "t.csv", target="price", **SMALL)
    assert found.metric == "rmse"
    assert found.select(1) == ("b",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 0}, r"width must lie in \[1, inf\); got 0"),
        ({"width": 2.5}, r"width must be a whole number in \[1, inf\); got 2.5"),
        ({"hierarchy": 0}, r"hierarchy must lie in \(0, inf\); got 0"),
        ({"factor": 1.0}, r"factor must lie in \(1, inf\); got 1"),
        ({"epochs": "many"}, r"epochs must be a number in \[1, inf\); got 'many'"),
    ],
)
def test_bad_settings_are_refused(given, message):
    with pytest.raises(DialError, match=message):
        bridle.feature_path((frame(), "kind"), **given)


def test_bad_data_and_rules_are_refused():
    with pytest.raises(DataError, match=r"digits: feature_path chooses columns of a table; this is image data\. Pass"):
        bridle.feature_path("digits")
    with pytest.raises(DataError, match="The metric 'rmse' is not for classification"):
        bridle.feature_path((frame(), "kind"), metric="rmse")
    with pytest.raises(DataError, match="folds must be at least 2; got 1"):
        bridle.feature_path((frame(), "kind"), folds=1)
    with pytest.raises(SearchError, match="The selection rule must be one of one-se, best; got 'worst'"):
        bridle.feature_path((frame(), "kind"), select="worst", **SMALL)
    with pytest.raises(DataError, match="'colours' is no option of reading data; known are target, task"):
        bridle.feature_path((frame(), "kind"), colours=3)
