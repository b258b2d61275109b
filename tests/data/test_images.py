import numpy as np
import polars as pl
import pytest

from bridle.data.images import channels_first, coded, image_dataset, labelled
from bridle.data.options import Options
from bridle.errors import DataError
from bridle.records import Task

PIXELS = np.random.default_rng(0).integers(2, 256, (6, 3, 5, 4)).astype(np.uint8)
LABELS = pl.Series("kind", ["a", "b"] * 3)


def made(images, labels=LABELS, layout=None, **more):
    return image_dataset(images, labels, "data", Options(), layout, **more)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS.transpose(0, 2, 3, 1), PIXELS),
        (PIXELS[:, 0], PIXELS[:, :1]),
        (PIXELS[:, :1], PIXELS[:, :1]),
        (PIXELS.transpose(0, 2, 3, 1)[..., :1], PIXELS[:, :1]),
        (PIXELS.astype(np.int64), PIXELS),
        (PIXELS.astype(np.float64), PIXELS.astype(np.float32)),
        (PIXELS > 99, (PIXELS > 99).astype(np.uint8)),
        (PIXELS.astype(np.int64) * 2, PIXELS.astype(np.float32) * 2),
    ],
)
def test_arrangements_and_types(given, expected):
    found = channels_first(given, "data")
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((6, 2, 5, 4)), r"with 1 or 3 channels; got \(6, 2, 5, 4\)"),
        (np.zeros((6, 5)), r"got \(6, 5\)"),
        (np.zeros((6, 1, 0, 4)), r"got \(6, 1, 0, 4\)"),
        (np.zeros((6, 5, 4), dtype=np.complex64), "images must be numbers; got complex64"),
        (np.full((6, 5, 4), "a"), "images must be numbers; got <U1"),
    ],
)
def test_what_is_no_image(given, message):
    with pytest.raises(DataError, match=message):
        channels_first(given, "data")


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (PIXELS, (0, 255)),
        (PIXELS / 255, (0, 1)),
        (PIXELS / 127.5 - 1, (-1, 1)),
        (PIXELS.astype(np.float32), (0, 255)),
        (PIXELS / 100 - 2, (PIXELS.min() / 100 - 2, PIXELS.max() / 100 - 2)),
        (PIXELS > 99, (0, 1)),
    ],
)
def test_black_and_white(images, expected):
    layout = made(images).layout
    np.testing.assert_allclose((layout.low, layout.high), expected, rtol=1e-6)


def test_a_source_may_know_white():
    assert made(PIXELS // 16, high=16).layout.high == 16


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.ones((6, 5, 4)), "every pixel of every image is 1; there is nothing to learn"),
        (np.where(np.arange(6)[:, None, None] == 3, np.nan, np.ones((6, 5, 4))), "image 4 holds NaN or an infinity"),
        (PIXELS[:5], "one label per image; got 5 images and 6 labels"),
    ],
)
def test_faults(images, message):
    with pytest.raises(DataError, match=message):
        made(images)


def test_images_without_labels_need_a_layout():
    with pytest.raises(DataError, match="has no targets; training needs one per image"):
        made(PIXELS, None)
    assert made(PIXELS, None, made(PIXELS).layout).targets.tolist() == [-1] * 6


def test_images_without_a_target_are_left_out():
    data = made(PIXELS, pl.Series("kind", ["a", None, "b", "a", "b", None]))
    np.testing.assert_array_equal(data.inputs, PIXELS[[0, 2, 3, 4]])
    assert data.notes[-1] == "2 images without a target were left out."


def test_numbers_as_targets():
    data = made(PIXELS, pl.Series("age", np.arange(6) + 0.5))
    assert data.layout.task is Task.REGRESSION
    assert data.layout.target == "age"


def test_a_layout_asks_for_its_shape():
    layout = made(PIXELS).layout
    with pytest.raises(DataError, match=r"images of shape \(3, 5, 4\) are expected, as in training; got \(3, 4, 4\)"):
        made(PIXELS[:, :, :4], None, layout)


def test_a_layout_asks_for_its_range():
    whole, unit = made(PIXELS).layout, made(PIXELS / 255).layout
    np.testing.assert_array_equal(made(PIXELS // 255, None, whole).inputs, PIXELS // 255)
    np.testing.assert_allclose(made(PIXELS / 255, None, whole).inputs, PIXELS, rtol=1e-6)
    np.testing.assert_allclose(made(PIXELS, None, unit).inputs, PIXELS / 255, rtol=1e-6)
    np.testing.assert_allclose(made(PIXELS / 255, None, unit).inputs, PIXELS / 255, rtol=1e-6)
    assert made(np.zeros((1, 3, 5, 4)), None, unit).inputs.max() == 0


def test_codes_by_name():
    assert coded(np.array([1, 0]), ("x", "y"), "data").to_list() == ["y", "x"]
    with pytest.raises(DataError, match="image 2 has the label -1; allowed are 0 to 1"):
        coded(np.array([1, -1]), ("x", "y"), "data")


def test_labels_are_classes_unless_the_user_says_otherwise():
    assert labelled(Options()).task is Task.CLASSIFICATION
    assert labelled(Options(task=Task.REGRESSION)).task is Task.REGRESSION
