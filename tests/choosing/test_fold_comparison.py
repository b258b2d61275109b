import numpy as np
import pytest
import scipy.stats

from bridle.choosing.fold_comparison import compare_on_folds, fold_sizes
from bridle.choosing.scoring import candidate
from bridle.core import Recipe
from bridle.metrics import catalogue
from bridle.records import Fold, Mark

MAE, ACCURACY = catalogue.find("mae"), catalogue.find("accuracy")
FOLDS = []
for number in range(4):
    marks = np.full(20, Mark.TRAIN, dtype=np.int8)
    marks[5 * number : 5 * number + 5] = Mark.SCORE
    FOLDS.append(Fold(number, marks))


@pytest.fixture
def tried(outcome):
    """A candidate from its scores by fold and seed."""

    def make(name, scores_FS, higher_is_better=False):
        members = [
            outcome([score], fold=fold, seed=seed)
            for fold, scores in enumerate(scores_FS)
            for seed, score in enumerate(scores)
        ]
        return candidate(0, name, Recipe(), {}, members, higher_is_better)

    return make


def test_it_is_the_t_test_of_the_folds_mean_differences_with_the_correction(tried):
    chosen, none = tried("trial 0", [[1, 3], [2, 2], [4, 6], [1, 1]]), tried("none", [[3, 3], [3, 3], [6, 6], [4, 3]])
    found = compare_on_folds(chosen, none, FOLDS, MAE)
    assert found.difference.values == (1.0, 1.0, 1.0, 2.5)
    plain = scipy.stats.ttest_1samp(found.difference.values, 0).confidence_interval(0.95)
    # (1/4 + 5/15) / (1/4) = 7/3.
    reach = (plain.high - plain.low) / 2 * np.sqrt(7 / 3)
    assert found.difference.value == pytest.approx(1.375)
    assert found.difference.high - found.difference.low == pytest.approx(2 * reach)
    assert (found.other, found.metric, found.optimistic) == ("none", "mae", True)


def test_positive_is_better_whichever_way_the_metric_points(tried):
    good, bad = tried("a", [[0.9], [0.8]], True), tried("b", [[0.5], [0.5]], True)
    assert compare_on_folds(good, bad, FOLDS, ACCURACY).difference.value == pytest.approx(0.35)
    assert compare_on_folds(good, bad, FOLDS, MAE).difference.value == pytest.approx(-0.35)


def test_what_failed_is_not_compared(tried):
    assert compare_on_folds(tried("a", [[1.0]]), tried("none", [[np.nan]]), FOLDS, MAE) is None


def test_rows_that_patience_watches_are_training_rows():
    marks = FOLDS[0].marks.copy()
    marks[10:13] = Mark.WATCH
    marks[19] = Mark.OUT
    assert fold_sizes([Fold(0, marks), FOLDS[1]]) == (14.5, 5.0)
