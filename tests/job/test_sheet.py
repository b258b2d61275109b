import numpy as np
import torch

from bridle.core import Batch
from bridle.job.sheet import GAP, contact_sheet
from bridle.records import Kind


def batch(value, rows=2, channels=3):
    return Batch(
        torch.full((rows, channels, 4, 4), value),
        torch.zeros(rows, 2),
        torch.ones(rows),
        torch.arange(rows),
        torch.zeros(rows, dtype=torch.int64),
        Kind.IMAGE,
    )


def test_every_tile_is_where_it_belongs():
    sheet = np.asarray(contact_sheet([batch(0.0), batch(0.5)], ["original", "epoch 1"], ["a", "b"]))
    black = (sheet == 0).all(-1)
    grey = (sheet == 128).all(-1)
    assert 0 <= grey.sum() - 2 * 96 * 96 < 50  # a few pixels of the letters are grey too
    assert black.sum() >= 2 * 96 * 96
    assert np.flatnonzero(black[-GAP - 1]).max() < np.flatnonzero(grey[-GAP - 1]).min()


def test_long_and_foreign_labels_are_drawn(tmp_path):
    labels = ["a very long name of a class " * 4, "数字\n<b>"]
    sheet = contact_sheet([batch(0.2, channels=1)], ["original"], labels)
    assert sheet.width < 500
