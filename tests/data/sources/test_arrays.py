import numpy as np
import polars as pl
import pytest
import torch

from bridle.data.load import load
from bridle.data.options import Options
from bridle.errors import DataError
from bridle.records import Column, Kind, Task

X = np.array([[1.0, 5.0], [2.0, np.nan], [4.0, 7.0], [8.0, 8.0]])
Y = np.array([3, 5, 3, 5])


@pytest.mark.parametrize(
    "kind", [np.asarray, torch.from_numpy, lambda array: array.tolist()], ids=["numpy", "torch", "list"]
)
def test_rows_of_numbers_are_a_table(kind):
    data = load((kind(X), kind(Y)))
    assert data.layout.columns == (Column("x0"), Column("x1", None, True))
    np.testing.assert_array_equal(data.inputs, X.astype(np.float32))
    assert data.layout.classes == ("3", "5")
    assert data.targets.tolist() == [0, 1, 0, 1]


def test_texts_and_mixtures():
    data = load((np.array([[1, "a"], [2, "b"], [4, "a"]], dtype=object), ["u", "v", "u"]))
    assert data.layout.columns == (Column("x0"), Column("x1", ("a", "b")))
    assert load((np.array([["1", "a"], ["2", "b"]]), ["u", "v"])).layout.columns == data.layout.columns


def test_declared_categories():
    data = load((np.array([[1, 5], [2, 6]]), ["u", "v"]), Options(categorical=("x1",)))
    assert data.layout.columns == (Column("x0"), Column("x1", ("5", "6")))


def test_a_column_of_targets():
    assert load((X, Y[:, None])).targets.tolist() == [0, 1, 0, 1]


def test_numbers_as_targets():
    data = load((X, np.array([0.5, 1.5, 2.5, 3.5])))
    assert data.layout.task is Task.REGRESSION


def test_rows_alone_fit_a_layout():
    layout = load((X, Y)).layout
    assert load(X[:2], Options(), layout).targets.tolist() == [-1, -1]
    assert load((X[:2], None), Options(), layout).targets.tolist() == [-1, -1]
    with pytest.raises(DataError, match=r"no column 'x1' \(an input; 1 of 2 inputs are missing\)"):
        load(X[:, :1], Options(), layout)


def test_three_axes_are_images():
    data = load((np.arange(32, dtype=np.uint8).reshape(2, 4, 4), [0, 1]))
    assert data.layout.kind is Kind.IMAGE
    assert data.layout.shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (X, Y[:3], "X and y must have one length; got 4 rows and 3 targets"),
        (np.zeros((3, 4, 4)), [0, 1], "one label per image; got 3 images and 2 labels"),
        (
            X,
            np.eye(4),
            r"targets must have the shape \(N,\).*got \(4, 4\). One-hot rows become classes with y.argmax\(1\)",
        ),
        (X[0], Y, r"X must have the shape \(N, columns\).*got \(2,\)"),
        ([[1, 2], [3]], [0, 1], "rows must have one length"),
        (X, None, r"training needs \(X, y\); got X alone"),
        (pl.DataFrame({"target": [1, 2]}), [1, 2], "X already has a column 'target'"),
    ],
)
def test_faults(inputs, targets, message):
    with pytest.raises(DataError, match=message):
        load((inputs, targets))


def test_sparse_arrays_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=r"sparse arrays are not read; got csr_array. Use X.toarray\(\)"):
        load((sparse.csr_array(np.eye(2)), [0, 1]))
