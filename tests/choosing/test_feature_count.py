import math

import pytest

from bridle.choosing.feature_count import best_count, by_count
from bridle.errors import SearchError
from bridle.records.feature_path import CountScore, PathStep


def path(*pairs):
    return [
        PathStep(float(at), tuple(range(count)), score, 0.0, (1.0,) * count) for at, (count, score) in enumerate(pairs)
    ]


def scored(count, *scores):
    return by_count(path((count, 0.0), (0, 0.0)), [path((count, score)) for score in scores])[0]


def test_a_fold_is_scored_at_the_smallest_strength_that_left_at_most_so_many():
    whole = path((4, math.nan), (2, math.nan), (1, math.nan), (0, math.nan))
    folds = [path((4, 0.9), (3, 0.8), (2, 0.7), (2, 0.6), (0, 0.1)), path((4, 0.7), (1, 0.5), (0, 0.3))]
    found = by_count(whole, folds)
    assert [(item.count, item.scores) for item in found] == [(1, (0.1, 0.5)), (2, (0.7, 0.5)), (4, (0.9, 0.7))]
    assert found[1].mean == pytest.approx(0.6)
    assert found[1].error == pytest.approx(0.1)  # sqrt(((0.1^2 + 0.1^2) / 1) / 2)


def test_the_best_mean_and_of_equal_ones_the_fewest():
    scores = [scored(2, 0.8, 0.8), scored(5, 0.9, 0.9), scored(7, 0.9, 0.9)]
    assert best_count(scores, "best", higher_is_better=True).count == 5
    assert best_count(scores, "best", higher_is_better=False).count == 2


def test_one_standard_error_takes_the_fewest_near_the_best():
    scores = [scored(1, 0.5, 0.52, 0.51), scored(3, 0.88, 0.92, 0.89), scored(9, 0.90, 0.90, 0.91)]
    # 9 against 3: the differences 0.02, -0.02, 0.02 have the mean 0.0067 and the standard error 0.0133.
    assert best_count(scores, "one-se", higher_is_better=True).count == 3
    assert best_count(scores, "best", higher_is_better=True).count == 9


def test_counts_without_a_score_are_never_chosen():
    assert best_count([scored(1, math.nan), scored(2, 0.3)], higher_is_better=False).count == 2
    with pytest.raises(SearchError, match="No number of features has a finite score in every fold"):
        best_count([scored(1, math.nan)], higher_is_better=False)


def test_unknown_rules_are_refused():
    with pytest.raises(SearchError, match="The selection rule must be one of one-se, best; got 'worst'"):
        best_count([CountScore(1, (0.1,), 0.1, math.nan)], "worst", higher_is_better=False)
