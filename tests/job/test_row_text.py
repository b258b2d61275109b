import numpy as np
import torch

from bridle.data.dataset import Dataset
from bridle.data.preprocess import fit
from bridle.job.row_text import row_tables
from bridle.job.views import original
from bridle.records import Column, Kind, Layout, Task


def table(task=Task.CLASSIFICATION):
    columns = (Column("age"), Column("income", missing=True), Column("town", categories=("Bern", "\x1b[31mUri")))
    classes = ("no", "yes") if task is Task.CLASSIFICATION else ()
    layout = Layout(Kind.TABLE, task, (3,), target="bought", columns=columns, classes=classes)
    inputs = np.array([[20, 1e5, 2], [30, np.nan, 3], [60, 3e4, 1], [41, 2e4, 2]], dtype=np.float32)
    targets = np.array([0, 1, 1, 0]) if classes else np.array([0.5, 1e6, 3.0, 4.0])
    return Dataset(inputs, targets, layout)


def text(dataset, rows, change=None):
    preprocessing = fit(dataset, np.arange(len(dataset)))
    batches = [original(dataset, preprocessing, np.array(rows)) for _ in range(2)]
    if change:
        change(batches[1])
    return row_tables(batches, ["original", "epoch 1"], preprocessing)


def cells(block):
    return [line.split() for line in block.splitlines()]


def test_originals_read_as_in_the_file():
    first, second = text(table(), [0, 1]).split("\n\n")
    assert cells(first) == [
        ["row", "1", "original", "epoch", "1"],
        ["age", "20", "20"],
        ["income", "1e+05", "1e+05"],
        ["town", "Bern", "Bern"],
        ["bought", "no", "no"],
    ]
    assert cells(second)[2:] == [
        ["income", "missing", "missing"],
        ["town", "?[31mUri", "?[31mUri"],
        ["bought", "yes", "yes"],
    ]


def test_missing_and_unknown_categories_and_mixtures():
    def change(batch):
        batch.inputs[0, -1] = 0
        batch.inputs[0, 0] = 99.0  # noise may leave the range that preprocessing can give
        batch.targets[0] = torch.tensor([0.25, 0.75])

    block = cells(text(table(), [2], change))
    assert block[3] == ["town", "missing", "unknown"]
    assert block[4] == ["bought", "yes", "0.75", "yes", "+", "0.25", "no"]
    assert float(block[1][2]) > 60


def test_a_number_as_target():
    assert cells(text(table(Task.REGRESSION), [1]))[-1] == ["bought", "1e+06", "1e+06"]
