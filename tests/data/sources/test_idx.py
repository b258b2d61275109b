import gzip

import numpy as np
import pytest

from bridle.data.load import load, load_pair
from bridle.errors import DataError
from bridle.records import Kind, Task

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4)).astype(np.uint8)
CODES = np.array([0, 2, 1, 1, 0, 2], np.uint8)


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return head + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(CODES))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(PIXELS[:2])))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(CODES[:2])))
    (tmp_path / "LICENSE").write_text("free")
    return tmp_path


def test_training_and_test_files(folder):
    data, test = load_pair(folder)
    np.testing.assert_array_equal(data.inputs, PIXELS[:, None])
    assert data.inputs.dtype == np.uint8
    assert data.targets.tolist() == CODES.tolist()
    assert (data.layout.kind, data.layout.task, data.layout.shape) == (Kind.IMAGE, Task.CLASSIFICATION, (1, 5, 4))
    assert data.layout.classes == ("0", "1", "2")
    assert (data.layout.low, data.layout.high) == (0, 255)
    np.testing.assert_array_equal(test.inputs, PIXELS[:2, None])
    assert test.layout == data.layout
    assert test.name == f"{folder} (test)"


def test_a_folder_without_test_files(folder):
    for path in folder.glob("t10k*"):
        path.unlink()
    assert load_pair(folder)[1] is None


def test_labels_and_images_of_different_length(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(CODES[:5]))
    with pytest.raises(DataError, match="one label per image; got 6 images and 5 labels"):
        load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (idx(CODES), "no IDX file of unsigned bytes with 3 axes; it begins with 00000801"),
        (idx(PIXELS)[:-1], r"truncated or damaged: its header says \(6, 5, 4\), which is 120 bytes; it holds 119"),
        (gzip.compress(idx(PIXELS))[:-5], "truncated gzip file"),
    ],
)
def test_damaged_files(folder, content, message):
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(folder)


def test_a_missing_file(folder):
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="lacks the IDX file of the labels beside train-images-idx3-ubyte"):
        load(folder)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_published_files(shared_data, name):
    data, test = load_pair(shared_data / name)
    assert data.inputs.shape == (60_000, 1, 28, 28)
    assert test.inputs.shape == (10_000, 1, 28, 28)
    raw = gzip.decompress((shared_data / name / "t10k-images-idx3-ubyte.gz").read_bytes())
    np.testing.assert_array_equal(test.inputs.ravel(), np.frombuffer(raw, np.uint8)[16:])
    assert set(data.counts()) == set("0123456789")
    if name == "fashion_mnist":
        assert set(data.counts().values()) == {6000}
