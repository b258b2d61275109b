import numpy as np
import pytest

from bridle.data.strata import group_parts, share_of, strata, time_parts
from bridle.errors import DataError


def rows_of(data):
    return np.arange(len(data), dtype=np.int64)


def test_numbers_fall_into_quantiles(numbers):
    values = np.random.default_rng(0).lognormal(size=200)
    labels = strata(numbers(values), np.arange(200), 5)
    edges = np.quantile(values, np.linspace(0, 1, 11))
    np.testing.assert_array_equal(labels, np.searchsorted(edges[1:-1], values, side="right"))


def test_few_numbers_fall_into_quantiles_of_at_least_the_parts(numbers):
    labels = strata(numbers(np.arange(12.0)), np.arange(12), 5)
    assert np.bincount(labels).min() >= 5


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_share_is_even_over_classes(classes, share):
    codes = np.repeat([0, 1, 2], [200, 100, 30])
    data = classes(codes)
    chosen = share_of(data, rows_of(data), share, seed=3)
    assert len(chosen) == round(share * 330)
    np.testing.assert_allclose(np.bincount(codes[chosen]), share * np.array([200, 100, 30]), atol=1)
    assert (np.diff(chosen) > 0).all()


def test_a_share_depends_on_the_seed_alone(classes):
    data = classes([0, 1] * 50)
    first, again, other = (share_of(data, rows_of(data), 0.2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_only_row_of_a_class_stays(classes):
    data = classes([0] * 20 + [1])
    for seed in range(30):
        assert 20 not in share_of(data, rows_of(data), 0.5, seed)


def test_a_share_of_given_rows_only(classes):
    data = classes([0, 1] * 50)
    rows = np.arange(10, 60)
    assert set(share_of(data, rows, 0.2, 0)) <= set(rows)


def test_a_share_by_group_takes_whole_groups(classes):
    groups = np.repeat(np.arange(20), 5)
    data = classes([0, 1] * 50, groups=groups)
    chosen = share_of(data, rows_of(data), 0.2, 0)
    assert len(chosen) == 20
    assert not set(groups[chosen]) & set(np.delete(groups, chosen))


def test_one_group_cannot_be_split(classes):
    data = classes([0, 1] * 5, groups=np.zeros(10, dtype=np.int64))
    with pytest.raises(DataError, match="by group needs at least 2 groups; got 1"):
        share_of(data, rows_of(data), 0.2, 0)


def test_a_share_in_time_is_the_last(classes):
    times = np.random.default_rng(0).permutation(100)
    data = classes([0, 1] * 50, times=times)
    assert set(times[share_of(data, rows_of(data), 0.2, 0)]) == set(range(80, 100))


def test_equal_times_cannot_be_split(classes):
    data = classes([0, 1] * 5, times=np.zeros(10))
    with pytest.raises(DataError, match="needs at least 2 different times"):
        share_of(data, rows_of(data), 0.2, 0)


def test_a_share_must_leave_both_sides(classes):
    data = classes([0, 1])
    with pytest.raises(DataError, match=r"must lie in \(0, 1\); got 1"):
        share_of(data, rows_of(data), 1, 0)
    with pytest.raises(DataError, match="needs at least 2 rows; got 1"):
        share_of(data, np.array([0]), 0.5, 0)


def test_group_parts_cope_with_scarce_classes():
    labels = np.array([0] * 12 + [1])
    parts = group_parts(labels, np.arange(13), 4, 0)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(13))


def test_time_parts_never_part_equal_times():
    times = np.array([3, 1, 1, 1, 2, 2, 3, 4])
    parts = time_parts(times, (0.25, 0.5))
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(8))
    sets = [set(times[part]) for part in parts]
    assert not sets[0] & sets[1]
    assert not sets[1] & sets[2]
