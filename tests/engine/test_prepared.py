"""Prepared examples: statistics of the training rows only, made once per fold."""

import numpy as np
import pytest
import torch

from bridle.engine import prepared as module
from bridle.engine.prepared import Prepared
from bridle.records import Mark, Task

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", ["table", "number", "image"])
def test_only_training_rows_are_looked_at(kind, table, images, fold):
    """Watched, scored and sealed rows may hold anything: the statistics stay."""
    make = {"table": table, "number": lambda: table(task=Task.REGRESSION), "image": lambda: images(rows=96)}[kind]
    marks = fold(96, score=20, watch=10)
    marks.marks[:5] = Mark.OUT
    clean = Prepared(make(), CPU)(marks, one_hot=True).preprocessing
    dataset = make()
    unseen = marks.marks != Mark.TRAIN
    dataset.inputs[unseen] = 77
    if kind == "number":
        dataset.targets[unseen] = 1e6
    spoilt = Prepared(dataset, CPU)(marks, one_hot=True).preprocessing
    for name, value in clean.to_arrays().items():
        np.testing.assert_array_equal(value, spoilt.to_arrays()[name])


def test_made_once_per_fold_and_coding(table, fold):
    prepared = Prepared(table(), CPU)
    first = prepared(fold(96, score=10), one_hot=True)
    assert prepared(fold(96, score=10, number=4), one_hot=True) is first
    assert prepared(fold(96, score=20), one_hot=True) is not first
    assert prepared(fold(96, score=10), one_hot=False) is not first


def test_the_oldest_is_forgotten_where_memory_is_short(table, fold, monkeypatch):
    monkeypatch.setattr(module, "RESIDENT", 2 * 96 * 4 * 4)
    prepared = Prepared(table(), CPU)
    first, second = (prepared(fold(96, score=score), one_hot=True) for score in (10, 20))
    assert prepared(fold(96, score=10), one_hot=True) is first
    prepared(fold(96, score=30), one_hot=True)
    assert prepared(fold(96, score=10), one_hot=True) is first
    assert prepared(fold(96, score=20), one_hot=True) is not second
