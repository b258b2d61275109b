import sys
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from bridle.data.load import load
from bridle.data.options import Options
from bridle.data.sources.frame import to_polars
from bridle.errors import DataError
from bridle.records import Column

COLUMNS = {"size": [1.0, None, 3.5], "colour": ["red", "blue", None], "kind": ["x", "y", "x"]}


def assert_is_the_table(data):
    assert data.layout.columns == (Column("size", None, True), Column("colour", ("blue", "red")))
    np.testing.assert_array_equal(data.inputs, np.array([[1, 3], [np.nan, 2], [3.5, 1]], np.float32))
    assert data.targets.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "frame", [pl.DataFrame(COLUMNS), pl.DataFrame(COLUMNS).lazy(), COLUMNS], ids=["polars", "lazy", "mapping"]
)
def test_frames_with_the_name_of_the_target(frame):
    assert_is_the_table(load((frame, "kind")))
    assert_is_the_table(load(frame, Options(target="kind")))


def test_a_frame_with_a_separate_target():
    frame = pl.DataFrame(COLUMNS)
    assert_is_the_table(load((frame.drop("kind"), frame["kind"])))


def test_arrays_as_columns():
    data = load(({"a": np.arange(4.0) ** 2, "y": np.array(["u", "v", "u", "v"])}, "y"))
    assert data.inputs[:, 0].tolist() == [0, 1, 4, 9]


def test_columns_of_different_length_are_refused():
    with pytest.raises(DataError, match="frame cannot be read as a table"):
        load(({"a": [1, 2], "y": [1]}, "y"))


def test_a_frame_needs_a_target():
    with pytest.raises(DataError, match="which column is the target"):
        load(pl.DataFrame(COLUMNS))


class Series:
    """As much of a pandas column as is used."""

    def __init__(self, values, dtype):
        self.values, self.dtype = values, dtype

    def __iter__(self):
        return iter(self.values)

    def to_numpy(self):
        return np.asarray(self.values)

    def to_list(self):
        return list(self.values)

    def astype(self, _):
        return self


@pytest.fixture
def pandas_like(monkeypatch):
    """A frame that says it is of pandas, which need not be installed."""
    monkeypatch.setitem(sys.modules, "pandas", ModuleType("pandas"))

    class Places:
        def __init__(self, parts):
            self.parts = parts

        def __getitem__(self, key):
            return self.parts[key[1]]

    class DataFrame:
        def __init__(self, columns, parts):
            self.columns, self.iloc = columns, Places(parts)

    DataFrame.__module__ = "pandas.core.frame"
    return DataFrame


def test_pandas_frames_are_read_by_their_types(pandas_like):
    nan = float("nan")
    frame = pandas_like(
        ["size", "colour", "grade", "count", "kind"],
        [
            Series([1.0, nan, 3.5], np.dtype("float64")),
            Series(["red", "blue", nan], np.dtype("object")),
            Series([1, 2, nan], "category"),
            Series([1, 5, None], "Int64"),
            Series(["x", "y", "x"], "string"),
        ],
    )
    data = load((frame, "kind"))
    assert [column.name for column in data.layout.columns] == ["size", "count", "colour", "grade"]
    assert [column.name for column in data.layout.categorical] == ["colour", "grade"]
    expected = [[1, 1, 3, 2], [np.nan, 5, 2, 3], [3.5, np.nan, 1, 1]]
    np.testing.assert_array_equal(data.inputs, np.array(expected, np.float32))


def test_pandas_frames_may_hold_a_name_twice(pandas_like):
    parts = [Series([1, 2], np.dtype("int64"))] * 2
    with pytest.raises(DataError, match="the column name 'a' occurs 2 times"):
        load((pandas_like(["a", "a"], parts), "a"))


def test_every_kind_of_missing_value_in_pandas_is_missing():
    pd = pytest.importorskip("pandas")
    kinds = ["Int64", "Float64", "boolean", "string", "object", "category"]
    cells = {"Int64": [1, pd.NA, 3], "Float64": [1.5, pd.NA, 3.0], "boolean": [True, pd.NA, False]}
    frame = pd.DataFrame({kind: pd.Series(cells.get(kind, ["a", pd.NA, "b"]), dtype=kind) for kind in kinds})
    read = to_polars(frame, "frame")
    assert [read[kind].to_list() for kind in kinds] == [
        *([kind_cells[0], None, kind_cells[2]] for kind_cells in cells.values()),
        *[["a", None, "b"]] * 3,
    ]
    assert [str(dtype) for dtype in read.dtypes[:5]] == ["Int64", "Float64", "Boolean", "String", "String"]
    assert read["category"].dtype == pl.Categorical


def test_columns_of_a_mapping_may_be_polars_series():
    read = to_polars({"a": pl.Series([1, 2]), "b": [0.5, 1.0]}, "frame")
    assert read.to_dict(as_series=False) == {"a": [1, 2], "b": [0.5, 1.0]}
