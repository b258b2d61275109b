import numpy as np
import polars as pl
import pytest

from bridle.data.columns import Columns
from bridle.data.options import Options
from bridle.data.tabulate import tabulate
from bridle.errors import DataError
from bridle.records import Column, Task

FRAME = pl.DataFrame(
    {
        "colour": ["red", "blue", None, "red"],
        "size": [1.0, None, 3.0, 4.0],
        "kind": ["x", "y", "x", "y"],
        "weight": [1, 2, 3, 4],
        "owner": ["ann", "bob", "ann", "cyd"],
        "when": [4, 3, 2, 1],
    }
)


def columns_of(frame):
    return Columns("data", tuple(frame.columns), lambda names: frame.select(names))


def made(frame=FRAME, layout=None, **options):
    return tabulate(columns_of(frame), Options(**{"target": "kind"} | options), layout)


def test_numbers_come_first_and_roles_are_no_inputs():
    data = made(weights="weight", group="owner", drop=("when",))
    assert data.layout.columns == (Column("size", None, True), Column("colour", ("blue", "red")))
    np.testing.assert_array_equal(data.inputs, np.array([[1, 3], [np.nan, 2], [3, 1], [4, 3]], np.float32))
    assert data.inputs.dtype == np.float32
    assert data.layout.shape == (2,)
    assert data.layout.target == "kind"
    assert data.layout.classes == ("x", "y")
    assert data.targets.tolist() == [0, 1, 0, 1]
    assert data.weights.tolist() == [1, 2, 3, 4]
    assert data.groups.tolist() == [0, 1, 0, 2]
    assert made(time="when").times.tolist() == [4, 3, 2, 1]


def test_rows_without_a_target_are_left_out_and_counted():
    frame = FRAME.with_columns(pl.Series("kind", ["x", "", "x", "y"]))
    data = made(frame, weights="weight", group="owner")
    assert data.targets.tolist() == [0, 0, 1]
    assert data.weights.tolist() == [1, 3, 4]
    np.testing.assert_array_equal(data.inputs[:, -1], [3, 1, 3])
    assert "1 rows without a target were left out; 3 remain." in data.notes


def test_the_target_must_be_named():
    with pytest.raises(
        DataError, match=r"which column is the target\? Name it with --target; the columns are 'colour'"
    ):
        made(target=None)


@pytest.mark.parametrize("option", ["drop", "categorical"])
def test_named_columns_must_exist(option):
    with pytest.raises(DataError, match=rf"no column 'sise' \({option}\).*Did you mean 'size'"):
        made(**{option: ("sise",)})


def test_no_input_left():
    with pytest.raises(DataError, match=r"no input column is left beside the target 'kind'. Column 'a' was dropped"):
        made(pl.DataFrame({"a": [1, 1], "kind": ["x", "y"]}))


def test_a_column_without_a_name_is_dropped():
    data = made(FRAME.rename({"when": ""}))
    assert "" not in [column.name for column in data.layout.columns]
    assert "A column without a name was dropped; give it a name to use it." in data.notes


def test_other_rows_are_laid_out_alike():
    layout = made(weights="weight", drop=("owner", "when")).layout
    frame = pl.DataFrame({"kind": ["y"], "colour": ["green"], "extra": [1], "size": ["2"]})
    data = made(frame, layout, weights="weight")
    assert data.inputs.tolist() == [[2, 0]]
    assert data.targets.tolist() == [1]
    assert data.layout is layout
    assert data.weights is None


def test_other_rows_need_no_target():
    data = made(FRAME.drop("kind"), made().layout)
    assert data.targets.tolist() == [-1] * 4
    again = made(FRAME.with_columns(pl.lit("z").alias("kind")), made().layout, drop=("kind",))
    assert again.targets.tolist() == [-1] * 4


def test_other_rows_keep_those_without_a_target():
    frame = FRAME.with_columns(pl.Series("kind", ["x", None, "x", "y"]))
    assert made(frame, made().layout).targets.tolist() == [0, -1, 0, 1]


def test_other_rows_need_every_input():
    with pytest.raises(DataError, match=r"no column 'size' \(an input; 2 of \d inputs are missing\)"):
        made(FRAME.drop("size", "colour").rename({"when": "sizes"}), made(drop=("when",)).layout)


def test_other_rows_must_be_some():
    with pytest.raises(DataError, match="holds no rows"):
        made(FRAME.clear(), made().layout)


def test_regression():
    data = made(target="size", drop=("owner",))
    assert data.layout.task is Task.REGRESSION
    np.testing.assert_array_equal(data.targets, [1, 3, 4])
    assert data.layout.outputs == 1
