import numpy as np
import pytest

from bridle.data import statistics
from bridle.data.statistics import channel_moments, codes_seen, robust_columns, target_moments


def test_scale_of_a_normal_column_is_its_deviation():
    values = np.random.default_rng(0).normal(5, 3, (200_000, 1)).astype(np.float32)
    centre, scale = robust_columns(values, np.arange(len(values)), 1)
    np.testing.assert_allclose([centre[0], scale[0]], [5, 3], rtol=0.01)


def test_median_and_quartiles_pass_over_missing_values():
    values = np.array([[1], [2], [np.nan], [3], [100]], np.float32)
    centre, scale = robust_columns(values, np.arange(5), 1)
    assert centre[0] == 2.5
    np.testing.assert_allclose(scale[0], (np.nanquantile(values, 0.75) - np.nanquantile(values, 0.25)) / 1.349)


@pytest.mark.parametrize(
    ("column", "expected"),
    [([0] * 9 + [1], np.std([0] * 9 + [1])), ([4] * 10, 1), ([np.nan] * 10, 1)],
    ids=["mostly one value", "constant", "all missing"],
)
def test_scale_falls_back(column, expected):
    values = np.array(column, np.float32)[:, None]
    _, scale = robust_columns(values, np.arange(10), 1)
    np.testing.assert_allclose(scale[0], expected, rtol=1e-6)


def test_statistics_look_at_the_given_rows_only():
    values = np.array([[1], [2], [3], [1e9]], np.float32)
    assert robust_columns(values, np.arange(3), 1)[0][0] == 2


def test_large_tables_are_sampled_evenly(monkeypatch):
    monkeypatch.setattr(statistics, "SAMPLE_ROWS", 101)
    values = np.arange(100_001, dtype=np.float32)[:, None]
    assert robust_columns(values, np.arange(100_001), 1)[0][0] == 50_000


def test_codes_seen():
    inputs = np.array([[0.5, 2, 1], [0.5, 3, 0], [0.5, 4, 2]], np.float32)
    seen = codes_seen(inputs, np.array([0, 1]), (5, 3))
    assert seen.tolist() == [False, False, True, True, False, False, True, False]


def test_channel_moments_against_numpy():
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 8, 6)).astype(np.uint8)
    mean, deviation = channel_moments(images, np.arange(10, 50), 0, 255)
    part = images[10:] / 255
    np.testing.assert_allclose(mean, part.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(deviation, part.std((0, 2, 3)), rtol=1e-5)


def test_a_channel_without_contrast_keeps_its_scale():
    mean, deviation = channel_moments(np.full((4, 1, 2, 2), 51, np.uint8), np.arange(4), 0, 255)
    np.testing.assert_allclose([mean[0], deviation[0]], [0.2, 1])


def test_target_moments(classes, numbers):
    np.testing.assert_array_equal(target_moments(classes([0, 1]), np.arange(2)), [0, 1])
    np.testing.assert_allclose(target_moments(numbers([1, 2, 6, 99]), np.arange(3)), [3, np.std([1, 2, 6])])
    np.testing.assert_array_equal(target_moments(numbers([7, 7]), np.arange(2)), [7, 1])
