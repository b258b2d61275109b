"""What is kept of the predictions that score a member."""

import numpy as np
import torch

from bridle.core import Recipe, Training
from bridle.engine import scored
from bridle.engine.train import train
from bridle.metrics.classification import log_loss
from bridle.population import Member
from bridle.records import Fold, Mark


def test_the_kept_predictions_give_the_curve_again(table, fold, setting, tmp_path):
    dataset = table()
    one = Member(0, Recipe(training=Training(epochs=3, batch_size=16)), fold(64, score=32), 0)
    shared = setting(dataset, folder=tmp_path)
    curve = train(one, shared).curves.series["score"]
    rows, predicted = scored.read(one, shared)
    assert predicted.shape == (3, 32, 3)
    assert predicted.dtype == np.float32
    assert list(rows) == list(one.fold.rows(Mark.SCORE))
    again = [log_loss(dataset.targets[rows], epoch.astype(np.float64)) for epoch in predicted]
    torch.testing.assert_close(again, curve, rtol=1e-5, atol=1e-6)


def test_nothing_is_kept_where_nothing_scores(table, fold, setting, tmp_path):
    one = Member(0, Recipe(training=Training(epochs=1)), fold(96), 0)
    train(one, setting(table(), folder=tmp_path))
    assert scored.read(one, setting(table(), folder=tmp_path)) is None


def test_of_many_rows_the_same_random_ones_are_kept():
    rows = np.arange(10, 9010)
    kept = scored.kept_rows(rows, 1)
    assert len(kept) == scored.ROWS
    assert (np.diff(kept) > 0).all()
    assert list(kept) == list(scored.kept_rows(rows, 1))
    assert list(kept) != list(scored.kept_rows(rows, 2))
    marks = Fold(0, np.full(3, Mark.SCORE, dtype=np.int8))
    assert list(scored.kept_rows(marks.rows(Mark.SCORE), 0)) == [0, 1, 2]
