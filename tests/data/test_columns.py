import polars as pl
import pytest

from bridle.data import columns
from bridle.data.columns import Columns, listed
from bridle.errors import DataError


def recorded(frame, calls):
    def read(names):
        calls.append(list(names))
        return frame.select(names)

    return Columns("data", tuple(frame.columns), read)


def test_names_must_be_different():
    with pytest.raises(DataError, match="the column name 'a' occurs 2 times"):
        Columns("data", ("a", "b", "a"), lambda _: pl.DataFrame())


def test_a_missing_column_is_named_with_the_nearest():
    table = recorded(pl.DataFrame({"price": [1], "size": [2]}), [])
    with pytest.raises(DataError, match=r"no column 'prise' \(target\); the columns are 'price', 'size'. Did you mean"):
        table.one("prise", "target")


def test_columns_are_read_a_few_at_once(monkeypatch):
    calls = []
    table = recorded(pl.DataFrame({name: [1, 2] for name in "abcde"}), calls)
    monkeypatch.setattr(columns, "AT_ONCE", 24 * 10 * 2)
    assert [series.name for series in table.stream([*"abcde"], rows=10)] == list("abcde")
    assert calls == [["a", "b"], ["c", "d"], ["e"]]


def test_long_lists_are_cut():
    assert listed(["a", "b", "c"], 2) == "'a', 'b' and 1 more"
