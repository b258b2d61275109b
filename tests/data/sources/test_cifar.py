import gzip

import numpy as np
import pytest

from bridle.data.load import load, load_pair
from bridle.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32)).astype(np.uint8)
NAMES = [*"abcdefghij"]


def records(images, *labels):
    return np.concatenate(
        [*(np.array(label, np.uint8)[:, None] for label in labels), images.reshape(-1, 3072)], 1
    ).tobytes()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data_batch_1.bin.gz").write_bytes(gzip.compress(records(PIXELS[:2], [3, 9])))
    (tmp_path / "data_batch_2.bin").write_bytes(records(PIXELS[2:], [0, 3]))
    (tmp_path / "test_batch.bin").write_bytes(records(PIXELS[:1], [9]))
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES) + "\n")
    return tmp_path


def test_all_batches_and_the_test(folder):
    data, test = load_pair(folder)
    np.testing.assert_array_equal(data.inputs, PIXELS)
    assert data.layout.shape == (3, 32, 32)
    assert [data.layout.classes[code] for code in data.targets] == ["d", "j", "a", "d"]
    np.testing.assert_array_equal(test.inputs, PIXELS[:1])
    assert [test.layout.classes[code] for code in test.targets] == ["j"]


def test_without_names_classes_are_numbers(folder):
    (folder / "batches.meta.txt").unlink()
    assert load(folder).layout.classes == ("0", "3", "9")


def test_the_fine_labels_of_a_hundred(tmp_path):
    (tmp_path / "train.bin").write_bytes(records(PIXELS, [1, 1, 0, 0], [99, 5, 0, 5]))
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"fine{code:02}" for code in range(100)))
    data, test = load_pair(tmp_path)
    assert [data.layout.classes[code] for code in data.targets] == ["fine99", "fine05", "fine00", "fine05"]
    assert test is None


def test_a_truncated_file(folder):
    path = folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="must hold records of 3073 bytes; got 6145 bytes"):
        load(folder)


def test_a_label_without_a_name(folder):
    (folder / "data_batch_2.bin").write_bytes(records(PIXELS[2:], [0, 10]))
    with pytest.raises(DataError, match="image 4 has the label 10; allowed are 0 to 9"):
        load(folder)


def test_pickles_are_never_read(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04")
    with pytest.raises(DataError, match=r"as Python pickles, which are never read. Fetch the binary version"):
        load(tmp_path)


def test_published_files(shared_data):
    data, test = load_pair(shared_data / "cifar10")
    assert data.inputs.shape == test.inputs.shape == (10_000, 3, 32, 32)
    assert data.layout.classes[0] == "airplane"
    assert set(test.counts().values()) == {1000}
