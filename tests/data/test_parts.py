import itertools

import numpy as np
import pytest

from bridle.data.folds import make_folds
from bridle.data.parts import halves, nested
from bridle.errors import DataError
from bridle.records import Mark

SHARES = (0.125, 0.25, 0.5, 1.0)


def parts_of(data, shares=SHARES, seed=0):
    fold = make_folds(data, np.arange(len(data)), 4)[1]
    return fold, nested(data, fold, shares, seed)


def test_each_part_lies_within_the_next_and_scores_the_same_rows(classes):
    fold, parts = parts_of(classes([0, 1] * 80))
    assert [len(part.rows(Mark.TRAIN)) for part in parts] == [15, 30, 60, 120]
    for smaller, larger in itertools.pairwise(parts):
        assert set(smaller.rows(Mark.TRAIN)) < set(larger.rows(Mark.TRAIN))
    for part in parts:
        np.testing.assert_array_equal(part.rows(Mark.SCORE), fold.rows(Mark.SCORE))
        assert set(part.rows(Mark.TRAIN, Mark.OUT)) == set(fold.rows(Mark.TRAIN))
    np.testing.assert_array_equal(parts[-1].marks, fold.marks)


def test_numbers_are_their_own_and_the_seed_decides(classes):
    data = classes([0, 1] * 80)
    folds = make_folds(data, np.arange(160), 4)
    numbers = [part.number for fold in folds for part in nested(data, fold, SHARES, 0)]
    assert numbers == list(range(16))
    _, first = parts_of(data)
    _, again = parts_of(data)
    _, other = parts_of(data, seed=1)
    np.testing.assert_array_equal(first[0].marks, again[0].marks)
    assert not np.array_equal(first[0].marks, other[0].marks)


def test_parts_hold_classes_evenly_and_each_class(classes):
    codes = np.repeat([0, 1, 2], [600, 200, 8])
    _, parts = parts_of(classes(codes))
    for part, share in zip(parts, SHARES, strict=True):
        counts = np.bincount(codes[part.rows(Mark.TRAIN)], minlength=3)
        np.testing.assert_allclose(counts, share * np.array([450, 150, 6]), atol=2)
        assert counts.min() >= 1


def test_parts_hold_quantiles_evenly(numbers):
    values = np.random.default_rng(0).lognormal(size=800)
    _, parts = parts_of(numbers(values))
    means = [np.log(values[part.rows(Mark.TRAIN)]).mean() for part in parts]
    assert np.ptp(means) < 0.12


def test_parts_take_whole_groups(classes):
    groups = np.repeat(np.arange(40), 5)
    _, parts = parts_of(classes([0, 1] * 100, groups=groups))
    for smaller, larger in itertools.pairwise(parts):
        inside, whole = smaller.rows(Mark.TRAIN), larger.rows(Mark.TRAIN)
        assert set(inside) < set(whole)
        assert set(groups[inside]).isdisjoint(groups[np.setdiff1d(whole, inside)])


def test_parts_in_time_are_the_latest(numbers):
    data = numbers(np.arange(200.0), times=np.arange(200)[::-1].copy())
    fold = make_folds(data, np.arange(200), 3)[2]
    part = nested(data, fold, SHARES, 0)[0].rows(Mark.TRAIN)
    others = np.setdiff1d(fold.rows(Mark.TRAIN), part)
    assert data.times[part].min() > data.times[others].max()


def test_halves_are_complementary_and_even(classes):
    codes = np.repeat([0, 1, 2], [31, 20, 10])
    rows = np.arange(61)[codes >= 0]
    folds = halves(classes(codes), rows, 3, seed=0)
    assert [fold.number for fold in folds] == list(range(6))
    for one, other in zip(folds[::2], folds[1::2], strict=True):
        first, second = one.rows(Mark.TRAIN), other.rows(Mark.TRAIN)
        np.testing.assert_array_equal(np.sort(np.concatenate([first, second])), rows)
        assert abs(len(first) - len(second)) <= 1
        difference = np.bincount(codes[first], minlength=3) - np.bincount(codes[second], minlength=3)
        assert np.abs(difference).max() <= 1
        assert not len(one.rows(Mark.SCORE))
    assert not np.array_equal(folds[0].marks, folds[2].marks)


def test_halves_leave_sealed_rows_out_and_groups_whole(numbers):
    groups = np.repeat(np.arange(20), 4)
    data = numbers(np.random.default_rng(0).normal(size=80), groups=groups)
    rows = np.arange(8, 80)
    one, other = halves(data, rows, 1, seed=3)
    assert set(groups[one.rows(Mark.TRAIN)]).isdisjoint(groups[other.rows(Mark.TRAIN)])
    np.testing.assert_array_equal(np.sort(np.concatenate([one.rows(Mark.TRAIN), other.rows(Mark.TRAIN)])), rows)


def test_too_small_a_part_is_refused(classes, numbers):
    with pytest.raises(
        DataError, match=r"smallest part of the learning curve \(0.125 of a fold's .*\) holds 3 rows; at"
    ):
        parts_of(numbers(np.arange(32.0)))
    codes = np.repeat(np.arange(8), 8)
    with pytest.raises(DataError, match=r"holds 6 rows and lacks class 'class \d'. Bring more rows of it, or merge"):
        parts_of(classes(codes))
    with pytest.raises(DataError, match="a half of the training rows holds 4 rows; at least 5 are needed"):
        halves(numbers(np.arange(8.0)), np.arange(8), 1, 0)
    with pytest.raises(DataError, match=r"a half of the training rows holds \d+ rows and lacks class 'class 1'"):
        halves(classes([0] * 20 + [1]), np.arange(21), 1, 0)
