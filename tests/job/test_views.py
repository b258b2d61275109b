import numpy as np
import pytest
import torch

import bridle
from bridle.core import Draws
from bridle.data.dataset import Dataset
from bridle.data.folds import WHOLE
from bridle.data.preprocess import fit
from bridle.job.views import original, pixels, some_rows, view
from bridle.records import Kind, Layout, Task
from bridle.regularizers.augmenting import augment


def images(rows=12, classes=("a", "b", "c"), channels=1, size=8):
    generator = np.random.default_rng(0)
    layout = Layout(Kind.IMAGE, Task.CLASSIFICATION, (channels, size, size), classes=classes)
    inputs = generator.integers(0, 256, (rows, channels, size, size), dtype=np.uint8)
    return Dataset(inputs, np.arange(rows, dtype=np.int64) % len(classes), layout)


def test_rows_come_from_each_class_in_turn():
    dataset = images(rows=30)
    rows = some_rows(dataset, np.arange(3, 30), seed=1, count=7)
    assert len(set(rows.tolist())) == 7
    assert dataset.targets[rows].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert rows.min() >= 3
    assert not np.array_equal(rows, some_rows(dataset, np.arange(3, 30), seed=2, count=7))


def test_rare_classes_run_out():
    dataset = images(rows=3)
    assert sorted(some_rows(dataset, np.array([0, 2]), seed=0, count=8).tolist()) == [0, 2]


def test_rows_of_a_regression():
    layout = Layout(Kind.TABLE, Task.REGRESSION, (0,))
    dataset = Dataset(np.zeros((9, 0), np.float32), np.arange(9.0), layout)
    assert len(set(some_rows(dataset, np.arange(9), seed=0, count=4).tolist())) == 4


def test_a_view_is_what_the_training_draws():
    dataset = images()
    rows = np.array([5, 2])
    recipe = bridle.Recipe(bridle.Rotation(20.0), bridle.Shift(0.2))
    batch = original(dataset, fit(dataset, rows), rows)
    torch.testing.assert_close(batch.inputs, torch.from_numpy(dataset.inputs[rows]) / 255)
    assert batch.targets.tolist() == [[0, 0, 1], [0, 0, 1]]
    batch.times.fill_(4)
    expected = augment(batch, recipe.regularizers, Draws(7, WHOLE, 0))
    torch.testing.assert_close(view(batch, recipe, 7, 3).inputs, expected.inputs, rtol=0, atol=0)
    assert not torch.equal(view(batch, recipe, 7, 2).inputs, expected.inputs)


def test_a_schedule_moves_with_the_epochs_but_not_with_copies():
    dataset = images()
    rows = np.arange(3)
    batch = original(dataset, fit(dataset, rows), rows)
    dial = bridle.schedule(0.0, 40.0)
    recipe = bridle.Recipe(bridle.Rotation(dial), training=bridle.Training(epochs=4))
    torch.testing.assert_close(view(batch, recipe, 0, 0).inputs, batch.inputs)
    assert not torch.equal(view(batch, recipe, 0, 3).inputs, batch.inputs)
    copies = bridle.Recipe(bridle.Rotation(dial), training=bridle.Training(epochs=4, expand=3))
    torch.testing.assert_close(view(batch, copies, 0, 2).inputs, batch.inputs)


@pytest.mark.parametrize(("channels", "shape"), [(1, (2, 3)), (2, (2, 3)), (3, (2, 3, 3)), (4, (2, 3, 3))])
def test_pixels(channels, shape):
    image = torch.linspace(-0.5, 1.5, channels * 6, dtype=torch.float64).reshape(channels, 2, 3)
    shown = pixels(image)
    assert (shown.shape, shown.dtype) == (shape, np.uint8)
    assert shown.min() == 0
    first = shown[..., 0] if shown.ndim == 3 else shown
    np.testing.assert_array_equal(first, (image[0].clamp(0, 1) * 255).round().numpy())
