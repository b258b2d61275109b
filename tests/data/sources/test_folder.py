import numpy as np
import pytest
from PIL import Image

from bridle.data.load import load, load_pair
from bridle.data.options import Options
from bridle.errors import DataError
from bridle.records import Kind, Task

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    for place, picture in enumerate(PIXELS):
        path = root / ("cat", "dog")[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return root


def test_one_folder_per_class(folder):
    data = load(folder)
    np.testing.assert_array_equal(data.inputs, PIXELS[[0, 2, 4, 1, 3, 5]].transpose(0, 3, 1, 2))
    assert data.inputs.dtype == np.uint8
    assert isinstance(data.inputs, np.memmap)
    assert data.layout.classes == ("cat", "dog")
    assert data.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert (data.layout.kind, data.layout.task, data.layout.shape) == (Kind.IMAGE, Task.CLASSIFICATION, (3, 8, 8))
    assert (data.layout.low, data.layout.high) == (0, 255)
    assert data.notes == ("Images are used at 8 x 8 pixels, in colour: as they are.",)


def test_a_working_size(folder):
    data = load(folder, Options(size=5))
    assert data.layout.shape == (3, 5, 5)
    assert data.notes[-1].startswith("Images are used at 5 x 5 pixels, in colour: scaled to cover that and cut evenly")


def test_formats_modes_and_sizes_may_be_mixed(folder):
    image = Image.fromarray(PIXELS[0])
    for name, changed in {
        "a.JPG": image.resize((20, 9)),
        "b.webp": image,
        "c.bmp": image.convert("L"),
        "d.png": image.convert("RGBA"),
        "e.png": image.quantize(8),
        "deeper/f.jpeg": image,
    }.items():
        path = folder / "cat" / name
        path.parent.mkdir(exist_ok=True)
        changed.save(path)
    data = load(folder)
    assert data.counts() == {"cat": 9, "dog": 3}
    assert data.layout.shape == (3, 64, 64)


def test_other_files_are_left_aside(folder):
    (folder / "cat" / "Thumbs.db").write_text("")
    (folder / "cat" / ".hidden.png").write_text("")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.png").write_text("")
    (folder / "notes.txt").write_text("")
    data = load(folder)
    assert len(data) == 6
    assert data.notes[0] == "Files that are no images were left aside: 1 .db, 1 .txt."


@pytest.fixture
def spoilt(folder):
    (folder / "cat" / "7.png").write_bytes(b"")
    (folder / "cat" / "8.jpg").write_bytes(b"no picture")
    whole = (folder / "dog" / "1.png").read_bytes()
    (folder / "dog" / "9.png").write_bytes(whole[: len(whole) // 2])
    return folder


def test_bad_images_are_named_and_refused(spoilt):
    message = (
        r"photos: 3 of 9 images cannot be read: \S+7.png \(empty, 0 bytes\); \S+8.jpg \(no picture in a known "
        r"format\); \S+9.png \(damaged: .*\)\. Repair or remove them, or leave them out with --bad-images skip"
    )
    with pytest.raises(DataError, match=message):
        load(spoilt)


def test_bad_images_are_skipped_and_counted(spoilt):
    data = load(spoilt, Options(bad_images="skip"))
    assert data.counts() == {"cat": 3, "dog": 3}
    np.testing.assert_array_equal(data.inputs, PIXELS[[0, 2, 4, 1, 3, 5]].transpose(0, 3, 1, 2))
    assert data.notes[0].startswith("3 of 9 images cannot be read: ")
    assert data.notes[0].endswith("They were skipped.")


def test_of_many_bad_images_five_are_named(folder):
    for place in range(7):
        (folder / "cat" / f"bad{place}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"7 of 13 images cannot be read: (\S+ \(empty, 0 bytes\); ){5}and 2 more\."):
        load(folder)


def test_a_huge_image_is_refused(folder, monkeypatch):
    Image.fromarray(PIXELS[0]).resize((30, 30)).save(folder / "cat" / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(DataError, match=r"huge.png \(huge, more than 500 pixels\)"):
        load(folder)
    assert len(load(folder, Options(bad_images="skip"))) == 6


def test_nothing_but_bad_images_is_refused_always(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="6 of 6 images cannot be read"):
        load(folder, Options(bad_images="skip"))


def test_a_class_without_images_is_refused(folder):
    (folder / "bird").mkdir()
    (folder / "bird" / "a.tiff").write_text("")
    with pytest.raises(DataError, match=r"the folder 'bird' holds no image that can be read; allowed are .png, .jpg"):
        load(folder)


def test_images_beside_the_folders_are_refused(folder):
    Image.fromarray(PIXELS[0]).save(folder / "stray.png")
    with pytest.raises(DataError, match=r"one folder of images per class; 1 image\(s\) lie beside .* such as stray"):
        load(folder)


def test_one_class_only(folder):
    for path in (folder / "dog").iterdir():
        path.unlink()
    (folder / "dog").rmdir()
    with pytest.raises(DataError, match="the target 'class' has one class only, 'cat'"):
        load(folder)


def test_folders_named_by_numbers_are_classes(folder):
    for old, new in {"cat": "10", "dog": "9"}.items():
        (folder / old).rename(folder / new)
    assert load(folder).layout.classes == ("9", "10")


def test_training_and_test_parts(folder):
    root = folder.parent / "parts"
    root.mkdir()
    folder.rename(root / "train")
    for name in ("cat", "dog"):
        (root / "test" / name).mkdir(parents=True)
        Image.fromarray(PIXELS[0]).resize((16, 16)).save(root / "test" / name / "a.png")
    data, test = load_pair(root)
    assert (len(data), len(test)) == (6, 2)
    assert test.layout is data.layout
    assert test.targets.tolist() == [0, 1]


def test_loose_images_can_be_predicted(folder):
    layout = load(folder).layout
    loose = folder.parent / "new"
    loose.mkdir()
    Image.fromarray(PIXELS[0]).convert("L").resize((20, 20)).save(loose / "a.png")
    data = load(loose, Options(), layout)
    assert data.inputs.shape == (1, 3, 8, 8)
    assert data.targets.tolist() == [-1]


def test_a_table_model_takes_no_images(folder, classes):
    with pytest.raises(DataError, match="holds images; the model was trained on a table"):
        load(folder, Options(), classes([0, 1]).layout)
