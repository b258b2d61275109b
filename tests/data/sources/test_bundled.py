import numpy as np
import pytest
from sklearn import datasets

from bridle.data.load import load
from bridle.data.options import Options
from bridle.records import Kind, Task


def test_digits_are_images():
    data = load("digits")
    theirs = datasets.load_digits()
    assert (data.layout.kind, data.layout.shape, data.layout.low, data.layout.high) == (Kind.IMAGE, (1, 8, 8), 0, 16)
    np.testing.assert_array_equal(data.inputs[:, 0], theirs.images)
    np.testing.assert_array_equal(data.targets, theirs.target)
    assert data.layout.classes == tuple("0123456789")
    assert data.name == "digits"


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_tables_of_classes(name):
    data = load(name)
    theirs = getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(data.inputs, theirs.data.astype(np.float32))
    assert [column.name for column in data.layout.columns] == list(theirs.feature_names)
    np.testing.assert_array_equal(np.array(data.layout.classes)[data.targets], theirs.target_names[theirs.target])


def test_a_table_of_numbers():
    data = load("diabetes")
    assert data.layout.task is Task.REGRESSION
    np.testing.assert_array_equal(data.targets, datasets.load_diabetes().target)
    assert data.inputs[:, 0].max() > 50


def test_another_target():
    data = load("wine", Options(target="alcohol"))
    assert data.layout.target == "alcohol"
    assert "cultivar" in [column.name for column in data.layout.categorical]
