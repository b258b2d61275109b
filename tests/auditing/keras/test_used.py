"""Rows are known by their numbers and the script's names; whatever is no array is known as the object it is."""

import sys

import numpy as np
import pytest
import torch

from bridle.auditing.keras.used import arrays_of, rows_of, training_of


def frame():
    return sys._getframe(1)


def test_rows_by_numbers_and_names():
    x_test = np.arange(6.0).reshape(3, 2)
    first, same = rows_of(x_test, frame()), rows_of(x_test[::1].copy(), frame())
    assert first.key == same.key
    assert "x_test" in first.names
    assert same.names == frozenset()
    assert first.key != rows_of(x_test.astype(np.float32), frame()).key
    assert first.key != rows_of(x_test.reshape(2, 3), frame()).key
    assert first.key != rows_of(x_test[:2], frame()).key
    assert first.key != rows_of(x_test + 1, frame()).key


def test_rows_of_a_dataset():
    dataset = iter(())
    assert rows_of(dataset, frame()).key == id(dataset)
    assert "dataset" in rows_of(dataset, frame()).names


def test_arrays():
    numbers = np.ones((2, 1))
    assert [array.tolist() for array in arrays_of(torch.ones(2, 1, requires_grad=True))] == [[[1.0], [1.0]]]
    assert len(arrays_of([numbers, {"b": numbers, "a": numbers}])) == 3
    assert arrays_of([numbers, "text"]) == []
    for other in (None, "text", np.array(["a"]), np.float64(3), torch.ones(2, device="meta"), (row for row in ())):
        assert arrays_of(other) == []


@pytest.mark.parametrize(("share", "rows"), [(0.2, 8), (0.34, 6)])
def test_a_share_is_split_off_from_the_end(share, rows):
    x = np.arange(10.0)[:, None]
    training = training_of({"x": x, "validation_split": share}, ["callback"], frame())
    assert training.split
    assert (training.rows.given.tolist(), training.validation.given.tolist()) == (x[:rows].tolist(), x[rows:].tolist())
    assert training.callbacks == ["callback"]


def test_given_validation_rows_count():
    x, x_val = np.ones((3, 1)), np.zeros((2, 1))
    training = training_of({"x": x, "validation_data": (x_val, None), "validation_split": 0.5}, [], frame())
    assert not training.split
    assert training.rows.given is x
    assert training.validation.given is x_val
    assert training_of({"x": x}, [], frame()).validation is None
