import numpy as np
import pytest
from sklearn.model_selection import TimeSeriesSplit

from bridle.data.folds import WHOLE, make_folds, whole, with_watch
from bridle.errors import DataError
from bridle.records import Mark


def rows_of(data):
    return np.arange(len(data), dtype=np.int64)


def test_each_row_is_scored_once_and_trained_otherwise(classes):
    data = classes([0, 1] * 50)
    rows = np.arange(0, 100, 2) + np.tile([0, 1], 25)
    folds = make_folds(data, rows, 5, seed=0)
    scored = np.concatenate([fold.rows(Mark.SCORE) for fold in folds])
    np.testing.assert_array_equal(np.sort(scored), rows)
    for number, fold in enumerate(folds):
        assert fold.number == number
        assert fold.marks.dtype == np.int8
        np.testing.assert_array_equal(fold.rows(Mark.TRAIN, Mark.SCORE), rows)
        np.testing.assert_array_equal(fold.rows(Mark.OUT), np.setdiff1d(np.arange(100), rows))


def test_folds_hold_classes_evenly(classes):
    codes = np.repeat([0, 1, 2], [60, 30, 10])
    for fold in make_folds(classes(codes), np.arange(100), 5):
        np.testing.assert_array_equal(np.bincount(codes[fold.rows(Mark.SCORE)]), [12, 6, 2])


def test_folds_hold_quantiles_evenly(numbers):
    values = np.random.default_rng(0).lognormal(size=500)
    means = [np.log(values[fold.rows(Mark.SCORE)]).mean() for fold in make_folds(numbers(values), np.arange(500), 5)]
    assert np.ptp(means) < 0.1


def test_folds_depend_on_the_seed_and_differ_between_repeats(classes):
    data = classes([0, 1] * 50)
    first, again, other = (make_folds(data, rows_of(data), 5, seed, repeats=2) for seed in (0, 0, 1))
    assert [fold.number for fold in first] == list(range(10))
    for left, right in zip(first, again, strict=True):
        np.testing.assert_array_equal(left.marks, right.marks)
    assert not np.array_equal(first[0].marks, first[5].marks)
    assert not np.array_equal(first[0].marks, other[0].marks)


def test_groups_stay_together(classes):
    groups = np.repeat(np.arange(25), 4)
    data = classes(np.repeat([0, 1, 0, 1, 0], 20), groups=groups)
    folds = make_folds(data, rows_of(data), 5, watch=True)
    scored = np.concatenate([fold.rows(Mark.SCORE) for fold in folds])
    np.testing.assert_array_equal(np.sort(scored), np.arange(100))
    for fold in folds:
        parts = [set(groups[fold.rows(mark)]) for mark in (Mark.TRAIN, Mark.WATCH, Mark.SCORE)]
        assert all(parts)
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_groups_work_for_numbers(numbers):
    groups = np.repeat(np.arange(10), 5)
    for fold in make_folds(numbers(np.arange(50.0), groups=groups), np.arange(50), 5):
        assert not set(groups[fold.rows(Mark.TRAIN)]) & set(groups[fold.rows(Mark.SCORE)])


def test_time_order_is_an_expanding_window(numbers):
    order = np.random.default_rng(0).permutation(60)
    data = numbers(np.arange(60.0), times=order)
    by_time = np.argsort(order)
    expected = TimeSeriesSplit(5).split(by_time)
    for fold, (train, score) in zip(make_folds(data, rows_of(data), 5), expected, strict=True):
        np.testing.assert_array_equal(fold.rows(Mark.TRAIN), np.sort(by_time[train]))
        np.testing.assert_array_equal(fold.rows(Mark.SCORE), np.sort(by_time[score]))
        later = order[fold.rows(Mark.OUT)]
        assert not len(later) or later.min() > order[fold.rows(Mark.SCORE)].max()


def test_watch_is_the_last_tenth_in_time(numbers):
    data = numbers(np.arange(60.0), times=np.arange(60))
    for fold in make_folds(data, rows_of(data), 2, watch=True):
        assert fold.rows(Mark.TRAIN).max() < fold.rows(Mark.WATCH).min() < fold.rows(Mark.SCORE).min()


def test_watch_is_a_tenth_of_the_training_rows_by_class(classes):
    codes = np.repeat([0, 1], [300, 100])
    data = classes(codes)
    plain = make_folds(data, rows_of(data), 5)[0]
    watched = with_watch(plain, data)
    np.testing.assert_array_equal(watched.rows(Mark.TRAIN, Mark.WATCH), plain.rows(Mark.TRAIN))
    np.testing.assert_array_equal(watched.rows(Mark.SCORE), plain.rows(Mark.SCORE))
    np.testing.assert_array_equal(np.bincount(codes[watched.rows(Mark.WATCH)]), [24, 8])
    assert not len(plain.rows(Mark.WATCH))


def test_whole_trains_on_all_rows(classes):
    data = classes([0, 1] * 20)
    rows = np.arange(5, 35)
    fold = whole(data, rows)
    assert fold.number == WHOLE
    np.testing.assert_array_equal(fold.rows(Mark.TRAIN), rows)
    np.testing.assert_array_equal(fold.rows(Mark.OUT), np.setdiff1d(np.arange(40), rows))
    watched = whole(data, rows, watch=True)
    assert len(watched.rows(Mark.WATCH)) == 3


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0] * 20 + [1] * 3, r"class 'class 1' has 3 row\(s\) among the 23 .* use --folds 3 or fewer"),
        ([0] * 20 + [1], r"class 'class 1' has 1 row\(s\) .* Either bring more rows of it, or merge it"),
        ([0, 1], "5 folds need at least as many rows; there are 2"),
    ],
)
def test_a_class_needs_as_many_rows_as_folds(classes, codes, message):
    data = classes(codes)
    with pytest.raises(DataError, match=message):
        make_folds(data, rows_of(data), 5)


def test_a_class_outside_the_rows_does_not_count(classes):
    assert len(make_folds(classes([0, 1] * 10 + [2]), np.arange(20), 5)) == 5


def test_there_must_be_as_many_groups_as_folds(classes):
    data = classes([0, 1] * 10, groups=np.repeat([0, 1, 2], [8, 8, 4]))
    with pytest.raises(DataError, match=r"5 folds by group need at least as many groups; there are 3 .* --folds 3 or"):
        make_folds(data, rows_of(data), 5)


def test_there_must_be_enough_times(numbers):
    data = numbers(np.arange(20.0), times=np.repeat([1, 2, 3], [10, 5, 5]))
    with pytest.raises(DataError, match="need at least 6 well spread times; the column holds 3 different ones"):
        make_folds(data, rows_of(data), 5)


def test_numbers_of_folds_and_repeats_are_bounded(classes, numbers):
    data = classes([0, 1] * 10)
    with pytest.raises(DataError, match="folds must be at least 2; got 1"):
        make_folds(data, rows_of(data), 1)
    with pytest.raises(DataError, match="repeats must be at least 1; got 0"):
        make_folds(data, rows_of(data), 2, repeats=0)
    ordered = numbers(np.arange(20.0), times=np.arange(20))
    with pytest.raises(DataError, match="repeats must be 1; got 2"):
        make_folds(ordered, rows_of(ordered), 2, repeats=2)


def test_a_class_with_fewer_rows_than_folds_may_be_spread(classes):
    data = classes([0] * 20 + [1] * 3 + [2])
    with pytest.raises(DataError, match=r"class 'class 2' has 1 row"):
        make_folds(data, np.arange(24), 5)
    folds = make_folds(data, np.arange(24), 5, spread=True)
    scored = np.array([np.bincount(data.targets[fold.rows(Mark.SCORE)], minlength=3) for fold in folds])
    assert scored.sum(0).tolist() == [20, 3, 1]
    assert scored.max(0).tolist() == [4, 1, 1]


def test_a_class_of_one_group_alone_is_refused(classes):
    """The fold that scores the group has none of it to train on."""
    codes, groups = np.array([0, 1] * 20 + [2] * 10), np.repeat(np.arange(10), 5)
    groups[40:] = 9
    with pytest.raises(DataError, match=r"fold \d would train on no row of class 'class 2', .* none in other groups"):
        make_folds(classes(codes, groups=groups), np.arange(50), 3)


def test_a_class_that_comes_up_later_is_refused(classes):
    data = classes(np.array([0, 1] * 20 + [2] * 20), times=np.arange(60))
    with pytest.raises(DataError, match=r"fold 0 would train on no row of class 'class 2', .* none in earlier rows"):
        make_folds(data, np.arange(60), 2)
    assert len(make_folds(data, np.arange(40), 2)) == 2
