import dataclasses

import numpy as np
import pytest
from PIL import Image

import bridle
from bridle.data.dataset import Dataset
from bridle.data.preprocess import fit
from bridle.errors import StorageError
from bridle.job.gallery import gallery, picture
from bridle.records import Kind, Layout, Task

RECIPE = bridle.Recipe(bridle.Rotation(30.0))


def digits(rows=12, **layout):
    form = Layout(Kind.IMAGE, Task.CLASSIFICATION, (1, 8, 8), classes=("no", "<b>yes</b>"))
    inputs = np.random.default_rng(0).integers(0, 256, (rows, 1, 8, 8), dtype=np.uint8)
    return Dataset(inputs, np.arange(rows, dtype=np.int64) % 2, dataclasses.replace(form, **layout))


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def make(dataset, recipe, folder, **options):
    rows = np.arange(len(dataset))
    return gallery(dataset, fit(dataset, rows), recipe, rows, folder, 3, **options)


def test_pictures_of_originals_and_views(tmp_path):
    samples = make(digits(), RECIPE, tmp_path, count=3, views=2)
    assert [sample.label for sample in samples] == ["no", "<b>yes</b>", "no"]
    assert [sample.original for sample in samples] == ["0.png", "1.png", "2.png"]
    assert samples[1].augmented == ("1-1.png", "1-2.png")
    names = {name for sample in samples for name in (sample.original, *sample.augmented)}
    assert {path.name for path in (tmp_path / "gallery").iterdir()} == names
    shown = [pixels_of(tmp_path / "gallery" / name) for name in ("0.png", "0-1.png", "0-2.png")]
    assert all(picture.shape == (96, 96) for picture in shown)
    assert not np.array_equal(shown[1], shown[2])


def test_the_original_is_the_stored_row(tmp_path):
    dataset = digits(rows=1)
    make(dataset, RECIPE, tmp_path)
    shown = pixels_of(tmp_path / "gallery" / "0.png")
    np.testing.assert_array_equal(shown[::12, ::12], dataset.inputs[0, 0])


def test_copies_of_an_expanded_set_are_all_there_is(tmp_path):
    recipe = RECIPE.replace(training=bridle.Training(expand=2))
    assert len(make(digits(), recipe, tmp_path)[0].augmented) == 2


def test_nothing_to_show(tmp_path):
    assert make(digits(), bridle.Recipe(bridle.L2(0.1)), tmp_path) == ()
    table = Dataset(
        np.zeros((4, 0), np.float32),
        np.zeros(4, np.int64),
        Layout(Kind.TABLE, Task.CLASSIFICATION, (0,), classes=("a",)),
    )
    assert make(table, RECIPE, tmp_path) == ()
    assert not list(tmp_path.iterdir())


def test_numbers_as_labels(tmp_path):
    dataset = digits(task=Task.REGRESSION, classes=())
    dataset = dataclasses.replace(dataset, targets=np.linspace(0, 1.25, 12))
    assert {sample.label for sample in make(dataset, RECIPE, tmp_path, count=12)} >= {"0", "1.25"}


def test_a_disk_that_cannot_be_written(tmp_path):
    (tmp_path / "gallery").write_text("a file in the way")
    with pytest.raises(StorageError, match=r"gallery cannot be written: File exists\. Free some space"):
        make(digits(), RECIPE, tmp_path)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((8, 8), (96, 96)), ((28, 28, 3), (112, 112)), ((96, 150), (150, 96)), ((400, 200, 3), (96, 192))],
)
def test_sizes(shape, size):
    assert picture(np.zeros(shape, np.uint8)).size == size
