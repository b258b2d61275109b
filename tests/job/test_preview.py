import numpy as np
import pytest
from PIL import Image

import bridle
from bridle.errors import DataError, RecipeError, RunError, StorageError
from bridle.job.preview import strongest

IMAGES = bridle.Recipe(bridle.Rotation(20.0), bridle.L2(0.1))
TABLE = bridle.Recipe(bridle.FeatureNoise(0.5))


@pytest.fixture
def table(tmp_path):
    lines = [
        "age,town,bought",
        *(f"{20 + row},{'Bern' if row % 3 else 'Uri'},{'yes' if row % 2 else 'no'}" for row in range(40)),
    ]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def pictures():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (20, 3, 8, 8), dtype=np.uint8), np.array(["cat", "dog"] * 10)


def test_a_picture(tmp_path, monkeypatch, pictures):
    monkeypatch.chdir(tmp_path)
    assert bridle.preview(pictures, IMAGES, count=2, views=3) == "Wrote preview.png: 2 examples, each with 3 views."
    with Image.open("preview.png") as sheet:
        assert sheet.size[1] > 2 * 96
    with pytest.raises(RunError, match=r"'preview\.png' exists and is not overwritten"):
        bridle.preview(pictures, IMAGES)
    bridle.preview(pictures, IMAGES, "preview.png", overwrite=True)


def test_a_table_as_text(tmp_path, table):
    text = bridle.preview(table, TABLE, tmp_path / "t.txt", target="bought", task="classification", views=2)
    assert len(text.split("\n\n")) == 3
    assert "epoch 2" in text
    assert "Bern" in text
    assert (tmp_path / "t.txt").read_text(encoding="utf-8") == text + "\n"


def test_copies_are_called_so(table):
    recipe = TABLE.replace(training=bridle.Training(expand=1))
    text = bridle.preview(table, recipe, target="bought")
    assert "copy 1" in text
    assert "copy 2" not in text


def test_mistakes(tmp_path, table, pictures):
    with pytest.raises(RecipeError, match=r"no augmentation, so there is nothing to preview; it has l2\."):
        bridle.preview(table, bridle.Recipe(bridle.L2(0.1)), target="bought")
    with pytest.raises(RecipeError, match="rotation acts on image data; this is table data"):
        bridle.preview(table, IMAGES, target="bought")
    with pytest.raises(DataError, match="no file or folder 'nowhere'"):
        bridle.preview("nowhere", IMAGES)
    with pytest.raises(RunError, match=r"names no format of pictures; end it with \.png"):
        bridle.preview(pictures, IMAGES, tmp_path / "p.xyz")
    with pytest.raises(RunError, match=r"the folder '.*' does not exist"):
        bridle.preview(pictures, IMAGES, tmp_path / "no" / "p.png")


def test_a_full_disk(tmp_path, monkeypatch, pictures):
    def save(picture, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(StorageError, match=r"p\.png cannot be written: No space left on device"):
        bridle.preview(pictures, IMAGES, tmp_path / "p.png")


def test_a_space_is_shown_at_its_upper_end():
    space = bridle.Recipe(
        bridle.Rotation(bridle.between(1.0, 30.0), optional=True), bridle.Dropout(bridle.choice(0.5, 0.1))
    )
    assert strongest(space) == bridle.Recipe(bridle.Rotation(30.0), bridle.Dropout(0.5))
    assert strongest(IMAGES) is IMAGES
