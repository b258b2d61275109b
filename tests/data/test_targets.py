from datetime import date

import numpy as np
import polars as pl
import pytest

from bridle.data.targets import encode_known, encode_target, no_target
from bridle.errors import DataError
from bridle.records import Kind, Layout, Task

REGRESSION = Layout(Kind.TABLE, Task.REGRESSION, (1,))
CLASSIFICATION = Layout(Kind.TABLE, Task.CLASSIFICATION, (1,), classes=("1", "2", "10"))


def series(values, name="y"):
    return pl.Series(name, values)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 5, Task.CLASSIFICATION),
        ([True, False] * 5, Task.CLASSIFICATION),
        ([0, 1, 2, 0, 1, 2] * 5, Task.CLASSIFICATION),
        ([0.0, 1.0] * 5, Task.CLASSIFICATION),
        (["0", "1"] * 5, Task.CLASSIFICATION),
        ([0.5, 1.0] * 5, Task.REGRESSION),
        (["0.5", "1"] * 5, Task.REGRESSION),
        (list(range(100)), Task.REGRESSION),
        ([*range(60)] * 10, Task.REGRESSION),
        ([1, 2, 3, 4, 5, 6], Task.REGRESSION),
    ],
)
def test_the_task_is_inferred_and_said(values, task):
    target = encode_target(series(values), "data")
    assert target.task is task
    assert target.notes[0].startswith(f"The task is {task}: the target 'y' ")


def test_the_users_task_is_not_questioned():
    target = encode_target(series([0, 1] * 5), "data", Task.REGRESSION)
    assert target.task is Task.REGRESSION
    assert target.values.dtype == np.float64
    assert target.notes == ()


def test_classes_are_in_alphabetical_order():
    target = encode_target(series(["b", "a", "", None, " b"]), "data")
    assert target.classes == ("a", "b")
    assert target.values.tolist() == [1, 0, -1, -1, 1]
    assert target.known.tolist() == [True, True, False, False, True]


def test_classes_that_are_numbers_are_in_their_order():
    target = encode_target(series([10, 2, 1] * 5), "data")
    assert target.classes == ("1", "2", "10")
    assert target.values[:3].tolist() == [2, 1, 0]


@pytest.mark.parametrize("values", [["1", "2"] * 5, [1.0, 2.0] * 5, ["1.0", "2.0"] * 5, [1, 2] * 5])
def test_names_of_classes_do_not_depend_on_the_type(values):
    assert encode_target(series(values), "data").classes == ("1", "2")


def test_missing_numbers_are_nan():
    target = encode_target(series(["1.5", "NA", "2.5", ""]), "data")
    np.testing.assert_array_equal(target.values, [1.5, np.nan, 2.5, np.nan])
    assert target.known.tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["a", "a"], None, "has one class only, 'a'; classification needs at least 2"),
        ([None, None], Task.CLASSIFICATION, "has no value at all"),
        ([2.0, 2.0], Task.REGRESSION, r"has the same value in every row \(2\)"),
        ([None, None], Task.REGRESSION, "has no value at all"),
        ([1.5, float("inf")], None, "is infinite in row 2"),
        (["1.5", "cheap", "2"], Task.REGRESSION, "regression needs numbers in the target 'y'; got 'cheap' in row 2"),
        ([date(2026, 1, 1)], None, "holds dates"),
        ([[1, 2]], None, r"is of type List\(Int64\)"),
    ],
)
def test_what_cannot_be_learnt_is_refused(values, task, message):
    with pytest.raises(DataError, match=message):
        encode_target(series(values), "data", task)


def test_known_classes_keep_their_codes():
    assert encode_known(series(["10", "1", None]), "data", CLASSIFICATION).values.tolist() == [2, 0, -1]


def test_an_unknown_class_is_named():
    with pytest.raises(DataError, match=r"holds the class '3' in row 2, .*known are '1', '2', '10'"):
        encode_known(series([1, 3]), "data", CLASSIFICATION)


def test_known_numbers_may_all_be_equal_or_missing():
    assert encode_known(series([2.0, 2.0]), "data", REGRESSION).values.tolist() == [2, 2]
    assert np.isnan(encode_known(series([None, None]), "data", REGRESSION).values).all()


def test_no_target():
    assert no_target(2, CLASSIFICATION).values.tolist() == [-1, -1]
    assert np.isnan(no_target(2, REGRESSION).values).all()
