"""Batches."""

import torch

from bridle.core import Batch
from bridle.records import Kind


def test_split_keeps_every_example_in_order():
    rows = torch.arange(7)
    batch = Batch(rows[:, None] * 1.0, rows[:, None] * 2.0, rows * 3.0, rows * 4, rows * 5, Kind.TABLE, continuous=1)
    parts = list(batch.split(3))
    assert [len(part.examples) for part in parts] == [3, 3, 1]
    for name in ("inputs", "targets", "weights", "examples", "times"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))
    assert {(part.kind, part.continuous) for part in parts} == {(Kind.TABLE, 1)}
