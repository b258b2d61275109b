"""The rows of a run, as checks compare them."""

import numpy as np
import torch

from bridle.auditing import own_run
from bridle.auditing.own_run import SomeRows
from bridle.data.dataset import Dataset
from bridle.engine.member import MemberTraining
from bridle.records import Kind, Layout, Task


def test_a_table_is_read_as_it_is_trained_on_and_more_than_once(own, table):
    case = own()
    examples = MemberTraining(case.member, case.setting).examples
    rows = np.array([3, 5, 90])
    read = SomeRows(table, rows, examples.preprocessing)
    assert len(read) == 3
    for _ in range(2):
        ((block, targets),) = read
        assert targets.tolist() == table.targets[rows].tolist()
        torch.testing.assert_close(block, examples.inputs(torch.from_numpy(rows)), rtol=0, atol=0)


def test_pictures_are_read_as_they_are_stored_in_blocks(monkeypatch):
    monkeypatch.setattr(own_run, "BLOCK", 4)
    inputs = np.arange(6 * 12, dtype=np.uint8).reshape(6, 3, 2, 2)
    layout = Layout(Kind.IMAGE, Task.CLASSIFICATION, (3, 2, 2), classes=("a", "b"))
    read = list(SomeRows(Dataset(inputs, np.zeros(6, dtype=np.int64), layout), np.arange(6), None))
    assert [len(block) for block, _ in read] == [4, 2]
    assert torch.equal(torch.cat([block for block, _ in read]), torch.from_numpy(inputs))


def test_of_large_data_evenly_spaced_rows_are_read(own, table, monkeypatch):
    monkeypatch.setattr(own_run, "MOST", 4 * 4 * 3)  # three rows of four float32
    case = own()
    examples = MemberTraining(case.member, case.setting).examples
    ((block, _),) = SomeRows(table, np.arange(96), examples.preprocessing)
    torch.testing.assert_close(block, examples.inputs(torch.tensor([0, 47, 95])), rtol=0, atol=0)
