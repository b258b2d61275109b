"""Inputs are found in the usual batches, and rows have the same digest where their numbers are the same."""

import numpy as np
import pytest
import torch

from bridle.auditing import rows
from bridle.auditing.rows import again_possible, blocks, digests, inputs_of, matrix

X, Y = torch.arange(6.0).reshape(3, 2), torch.arange(3)


@pytest.mark.parametrize("batch", [X, (X, Y), [X, Y], {"labels": Y, "pixels": X}, ((X, Y), Y), (X.numpy(), Y)])
def test_inputs(batch):
    torch.testing.assert_close(inputs_of(batch), X)


@pytest.mark.parametrize("batch", [None, "text", (), {}, np.array(["a"]), torch.tensor(1.0), 3])
def test_no_inputs(batch):
    assert inputs_of(batch) is None


def test_digests():
    first = digests(X)
    assert len(set(first)) == 3
    assert digests(X.flip(0)) == first[::-1]
    assert digests(X.bfloat16()) == digests(X.bfloat16().float())


def test_blocks_end_at_the_limit():
    assert [len(block) for block in blocks([(X, Y)] * 4, 5)] == [3, 2]
    assert list(blocks([None], 5)) == []


def test_blocks_end_with_the_time(monkeypatch):
    monkeypatch.setattr(rows, "SECONDS", -1.0)
    assert len(list(blocks([(X, Y)] * 4, 50))) == 1


def test_matrix():
    torch.testing.assert_close(matrix([X.reshape(3, 1, 2).double(), X], 10), torch.cat([X, X]))
    assert matrix([X, X[:, :1]], 10) is None
    assert matrix([], 10) is None


def test_of_large_rows_fewer_are_compared(monkeypatch):
    monkeypatch.setattr(rows, "NUMBERS", 2 * X.shape[1])
    torch.testing.assert_close(matrix([X, X], 10), X[:2])
    monkeypatch.setattr(rows, "NUMBERS", 1)
    torch.testing.assert_close(matrix([X, X], 10), X[:1])
    monkeypatch.setattr(rows, "NUMBERS", 4 * X.shape[1])
    torch.testing.assert_close(matrix([X, X], 10), torch.cat([X, X[:1]]))


def test_iterators_are_read_once():
    assert again_possible([1])
    assert not again_possible(iter([1]))
    assert not again_possible(None)
