"""A fold marks every row."""

import numpy as np

from bridle.records import Fold, Mark


def test_rows_are_found_by_mark_in_order():
    fold = Fold(0, np.array([Mark.SCORE, Mark.TRAIN, Mark.WATCH, Mark.TRAIN, Mark.OUT], dtype=np.int8))
    assert fold.rows(Mark.TRAIN).tolist() == [1, 3]
    assert fold.rows(Mark.SCORE, Mark.TRAIN).tolist() == [0, 1, 3]
    assert fold.rows().tolist() == []
    assert fold.rows(Mark.TRAIN).dtype == np.int64
