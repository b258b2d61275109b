import gzip
import json

import numpy as np
import polars as pl
import pytest

from bridle.data import room
from bridle.data.load import load
from bridle.data.options import Options
from bridle.errors import DataError
from bridle.records import Column, Task

TEXT = "colour,size,kind\nred,1,x\nblue,,y\n,3.5,x\nred,4,y\n"
TABLE = [[1, 3], [np.nan, 2], [3.5, 1], [4, 3]]
COLUMNS = (Column("size", None, True), Column("colour", ("blue", "red")))
KIND = Options(target="kind")


def assert_is_the_table(data):
    assert data.layout.columns == COLUMNS
    np.testing.assert_array_equal(data.inputs, np.array(TABLE, np.float32))
    assert data.targets.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("table.csv", str),
        ("TABLE.CSV", str),
        ("table.tsv", lambda text: text.replace(",", "\t")),
        ("table.csv", lambda text: text.replace(",", ";")),
        ("table.csv", lambda text: "\ufeff" + text),
        ("table.csv", lambda text: text.replace("\n", "\r\n")),
        (
            "table.csv",
            lambda text: text.replace("red", ' "red" ').replace("colour,", "colour , ").replace(' "red" ', " red "),
        ),
        ("table.csv", lambda text: text.removesuffix("\n")),
    ],
    ids=["csv", "capitals", "tsv", "semicolons", "byte order mark", "windows", "spaces", "no last newline"],
)
def test_texts(csv, name, change):
    assert_is_the_table(load(csv(change(TEXT), name), KIND))


def test_packed(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    data = load(path, KIND)
    assert_is_the_table(data)
    assert data.name == str(path)


@pytest.mark.parametrize("packed", [False, True])
def test_parquet(csv, tmp_path, packed):
    path = tmp_path / "table.parquet"
    pl.read_csv(csv(TEXT)).write_parquet(path)
    if packed:
        path = path.rename(path.with_suffix(".parquet.gz"))
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert_is_the_table(load(str(path), KIND))


def test_a_large_table_is_in_a_file(csv, monkeypatch):
    monkeypatch.setattr(room, "RESIDENT", 0)
    data = load(csv(TEXT), KIND)
    assert isinstance(data.inputs, np.memmap)
    assert_is_the_table(data)


def test_parquet_has_types(tmp_path):
    path = tmp_path / "table.parquet"
    frame = pl.DataFrame({"a": [True, False, None], "b": pl.Series([1, 2, 300], dtype=pl.Int16), "y": ["u", "v", "u"]})
    frame.with_columns(pl.col("b").cast(pl.Decimal(10, 2)).alias("c")).write_parquet(path)
    data = load(path, Options(target="y"))
    assert [column.name for column in data.layout.columns] == ["b", "c", "a"]
    np.testing.assert_array_equal(data.inputs, np.array([[1, 1, 3], [2, 2, 2], [300, 300, 1]], np.float32))


def test_quoted_cells(csv):
    data = load(csv('"the, size",kind\n"1","a ""b"""\n2,"c\nd"\n'), KIND)
    assert data.layout.columns == (Column("the, size"),)
    assert data.layout.classes == ('a "b"', "c\nd")


@pytest.mark.parametrize("name", ["*", "^a.*$"])
def test_names_that_polars_takes_for_patterns_are_refused(csv, name):
    with pytest.raises(DataError, match=r"a column name can be neither '\*' nor anything from '\^' to '\$'; got"):
        load(csv(f"{name},ab,kind\n1,2,x\n4,5,y\n"), KIND)


def test_unusual_names(csv):
    data = load(csv("^a,a$,.*,a.b,col(x),kind\n1,2,3,4,5,x\n4,5,7,8,1,y\n"), KIND)
    assert [column.name for column in data.layout.columns] == ["^a", "a$", ".*", "a.b", "col(x)"]
    assert data.inputs.tolist() == [[1, 2, 3, 4, 5], [4, 5, 7, 8, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is empty \(0 bytes\)"),
        ("\n\n", "its first line must hold the names of the columns"),
        ("a,kind\n", "the target 'kind' has no value at all"),
        ("a,b,a,kind\n1,2,3,x\n", "the column name 'a' occurs 2 times"),
        ("a,kimd\n1,x\n2,y\n", r"no column 'kind' \(target\); the columns are 'a', 'kimd'. Did you mean 'kimd'"),
        ("a,kind\n1,x\n2,y,3\n", "row 2 holds 3 cells, but there are 2 column names. Put texts that hold ',' in quot"),
        ("a,kind\n1,x\n2,x\n", "the target 'kind' has one class only, 'x'"),
        ("a,kind\n1,x\ninf,y\n", "column 'a' is infinite or beyond 3.4e38 in row 2"),
        ("a,kind\n" + "1,x\n2,y\n" * 9 + "old,x\n", r"row 19 holds the text 'old' \(1 such rows\). Correct or empty"),
        ("a,kind\n2026-01-31,x\n2026-02-28,y\n", "column 'a' holds dates"),
        (
            "a,kind\n1,x\n1,y\n",
            "no input column is left beside the target 'kind'. Column 'a' was dropped: it is 1 in every",
        ),
        ("a,kind\n,x\n,y\n", "no input column is left .* Column 'a' was dropped: every value is missing"),
    ],
)
def test_faults(csv, text, message):
    with pytest.raises(DataError, match=message):
        load(csv(text), KIND)


def test_constant_and_missing_columns_are_dropped_with_a_note(csv):
    data = load(csv("a,b,c,kind\n1,,5,x\n2,,5,y\n"), KIND)
    assert data.layout.columns == (Column("a"),)
    assert data.notes[1:] == (
        "Column 'b' was dropped: every value is missing.",
        "Column 'c' was dropped: it is 5 in every row.",
    )


def test_other_encodings_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("größe,kind\n1,x\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"is not text in UTF-8 .* Save it as UTF-8"):
        load(path, KIND)
    path.write_bytes("size,kind\n1,größe\n2,x\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"UTF-8"):
        load(path, KIND)


def test_a_truncated_gzip_is_refused(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode() * 100)[:-20])
    with pytest.raises(DataError, match="truncated gzip file"):
        load(path, KIND)


def test_a_damaged_parquet_is_refused(tmp_path):
    path = tmp_path / "table.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match=r"table.parquet cannot be read: .* Check the file"):
        load(path, KIND)


def test_another_row_may_hold_unknown_categories_and_no_target(csv):
    layout = load(csv(TEXT), KIND).layout
    data = load(csv("size,colour\n2,green\n,red\n", "new.csv"), Options(), layout)
    np.testing.assert_array_equal(data.inputs, np.array([[2, 0], [np.nan, 3]], np.float32))
    assert data.targets.tolist() == [-1, -1]


def test_published_tables(shared_data):
    folder = shared_data / "tables"
    facts = json.loads((folder / "columns.json").read_text())
    assert len(facts) > 10
    for name, fact in facts.items():
        drop = tuple(column for column in fact["drop"] if column != fact.get("group"))
        options = Options(target=fact["target"], drop=drop, group=fact.get("group"))
        data = load(folder / fact["files"][0], options)
        frame = pl.read_csv(gzip.decompress((folder / fact["files"][0]).read_bytes()), infer_schema_length=None)
        assert data.layout.task is Task(fact["task"]), name
        assert {column.name for column in data.layout.categorical} == set(fact["categorical"]), name
        assert len(data) == frame.height
        for place, column in enumerate(data.layout.numeric):
            expected = frame[column.name].cast(pl.Float32).fill_null(float("nan")).to_numpy()
            np.testing.assert_array_equal(data.inputs[:, place], expected)
        names = dict(enumerate(data.layout.classes))
        if names:
            assert [names[code] for code in data.targets] == frame[fact["target"]].cast(pl.String).to_list()
        if "group" in fact:
            assert len(np.unique(data.groups)) == frame[fact["group"]].n_unique() == 72
