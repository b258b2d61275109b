from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from bridle.data import encode
from bridle.data.encode import fit_to, understand
from bridle.errors import DataError
from bridle.records import Column


def column(values, dtype=None):
    return pl.Series("age", values, dtype=dtype)


def understood(values, *, categorical=False, dtype=None):
    return understand(column(values, dtype), "data", categorical=categorical)


@pytest.mark.parametrize("values", [[1, 2, None], [1.0, 2.0, float("nan")], ["1", "2", ""], ["1", " 2 ", "NA"]])
def test_numbers_of_any_type(values):
    found = understood(values)
    assert found.column == Column("age", None, missing=True)
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, [1, 2, np.nan])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["b", "a", None, "b"], None),
        (["b", "a", "?", "b"], None),
        (["b", "a", None, "b"], pl.Categorical),
        (["b", "a", None, "b"], pl.Enum(["b", "c", "a"])),
    ],
)
def test_categories_are_sorted_and_missing_is_one(values, dtype):
    found = understood(values, dtype=dtype)
    assert found.column == Column("age", ("a", "b"))
    assert found.values.dtype == np.float32
    assert found.values.tolist() == [3, 2, 1, 3]


def test_true_and_false_are_categories():
    assert understood([True, False]).column == Column("age", ("false", "true"))


def test_numbers_declared_categorical():
    found = understood([10, 9, 10], categorical=True)
    assert found.column == Column("age", ("10", "9"))
    assert found.values.tolist() == [2, 3, 2]


def test_a_few_numbers_among_texts_are_categories():
    assert understood(["2", "3", "4", "5more"]).column == Column("age", ("2", "3", "4", "5more"))


def test_rare_categories_are_unknown(monkeypatch):
    monkeypatch.setattr(encode, "MOST_CATEGORIES", 2)
    found = understood(["c", "a", "b", "c", "b", "d"])
    assert found.column == Column("age", ("b", "c"))
    assert found.values.tolist() == [3, 0, 2, 3, 2, 0]
    assert found.note == (
        "Column 'age' has 4 categories: the 2 most frequent are kept, the rest (2 rows) count as \"unknown\"."
    )


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([None, None], "every value is missing"),
        ([float("nan")] * 2, "every value is missing"),
        (["", "NA"], "every value is missing"),
        ([3.5, 3.5], "it is 3.5 in every row"),
        (["x", "x"], "it is 'x' in every row"),
        ([True, True], "it is 'true' in every row"),
        ([f"name {row}" for row in range(60)], r"60 of 60 texts are different, .* --categorical age"),
    ],
)
def test_columns_that_say_nothing_are_dropped(values, note):
    found = understood(values)
    assert found.column is None
    assert found.note.startswith("Column 'age' was dropped: ")
    assert pl.Series([found.note]).str.contains(note).all()


def test_one_value_or_missing_is_not_constant():
    assert understood([3.5, None]).column == Column("age", None, missing=True)
    assert understood(["x", None]).column == Column("age", ("x",))


def test_different_texts_can_be_kept():
    found = understood([f"name {row}" for row in range(60)], categorical=True)
    assert len(found.column.categories) == 60


def test_a_count_of_rows_is_noticed():
    found = understood([5, 6, 7, 8])
    assert found.column == Column("age")
    assert found.note == "Column 'age' counts the rows; if it is no measurement, use --drop age."
    assert understood([5, 6, 7, 9]).note is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([date(2026, 1, 31), None], r"column 'age' holds dates \('2026-01-31'\)"),
        ([datetime(2026, 1, 31, 12)], "such as year, month or age, and use --drop age; or use --time age"),
        (["2026-01-31", "2026-02-01"], "holds dates"),
        ([*map(str, range(20)), "old"], r"holds numbers, but row 21 holds the text 'old' \(1 such rows\)"),
        ([1.0, float("inf"), float("-inf")], r"infinite or beyond 3.4e38 in row 2 \(2 such rows\)"),
        (["1", "1e39"], "infinite or beyond 3.4e38 in row 2"),
        ([[1], [2]], r"column 'age' is of type List\(Int64\)"),
    ],
)
def test_faults_are_named(values, message):
    with pytest.raises(DataError, match=message):
        understood(values)


def test_a_text_among_numbers_may_be_declared_categorical():
    assert len(understood([*map(str, range(20)), "old"], categorical=True).column.categories) == 21


def test_fit_to_a_numeric_column():
    found = fit_to(column(["1", "?", "2.5"]), Column("age"), "data")
    np.testing.assert_array_equal(found, np.array([1, np.nan, 2.5], np.float32))
    np.testing.assert_array_equal(fit_to(column([1, 2]), Column("age"), "data"), [1, 2])
    with pytest.raises(DataError, match="row 2 holds the text 'old'"):
        fit_to(column(["1", "old"]), Column("age"), "data")
    with pytest.raises(DataError, match="infinite"):
        fit_to(column([1.0, float("inf")]), Column("age"), "data")


def test_fit_to_a_categorical_column():
    known = Column("age", ("1", "2"))
    assert fit_to(column(["2", "3", None, "1"]), known, "data").tolist() == [3, 0, 1, 2]
    assert fit_to(column([2.0, 3.0, None, 1.0]), known, "data").tolist() == [3, 0, 1, 2]
