import errno
import json
import os

import numpy as np
import pytest
from PIL import Image

from bridle.data import decoded as module
from bridle.data.decoded import decoded
from bridle.errors import StorageError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 4, 3)).astype(np.uint8)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place, picture in enumerate(PIXELS):
        Image.fromarray(picture).save(folder / f"{place}.png")
    return sorted(folder.iterdir())


def test_images_of_one_size_stay_as_they_are(files, cache):
    found = decoded(files, None, None, None)
    np.testing.assert_array_equal(found.images, PIXELS.transpose(0, 3, 1, 2))
    assert isinstance(found.images, np.memmap)
    assert (found.rows.tolist(), found.bad, found.sized) == ([0, 1, 2, 3, 4], {}, True)
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".npy"]


def test_the_cache_is_an_ordinary_file(files, cache):
    found = decoded(files, None, None, None)
    (path,) = cache.glob("*.npy")
    assert str(found.images.filename) == str(path)
    np.testing.assert_array_equal(np.load(path, mmap_mode="r"), found.images)


def test_a_second_time_nothing_is_decoded(files, monkeypatch):
    first = decoded(files, 8, None, None)
    monkeypatch.setattr(module, "decode", None)
    monkeypatch.setattr(module, "probe", None)
    np.testing.assert_array_equal(decoded(files, 8, None, None).images, first.images)


@pytest.mark.parametrize("change", ["time", "size", "file", "working size"])
def test_what_changes_is_decoded_anew(files, cache, change):
    decoded(files, 8, None, None)
    if change == "time":
        os.utime(files[0], (1, 1))
    elif change == "size":
        files[0].write_bytes(files[0].read_bytes() + b"more")
    given = files[1:] if change == "file" else files
    assert len(decoded(given, 9 if change == "working size" else 8, None, None).images) == len(given)
    assert len(list(cache.glob("*.npy"))) == 2


@pytest.mark.parametrize("damage", ["pixels", "record", "cut", "other"])
def test_a_damaged_cache_is_made_anew(files, cache, damage):
    expected = np.array(decoded(files, 8, None, None).images)
    (pixels,), (record,) = cache.glob("*.npy"), cache.glob("*.json")
    if damage == "pixels":
        pixels.unlink()
    elif damage == "record":
        record.write_text("{")
    elif damage == "cut":
        pixels.write_bytes(pixels.read_bytes()[:-1])
    else:
        record.write_text(json.dumps({"shape": [4, 3, 8, 8], "bad": {}, "sized": False}))
    np.testing.assert_array_equal(decoded(files, 8, None, None).images, expected)


def test_mixed_or_large_sizes_become_the_default(files, tmp_path):
    Image.fromarray(PIXELS[0, :3]).save(files[0])
    found = decoded(files, None, None, None)
    assert found.images.shape == (5, 3, 64, 64)
    assert not found.sized
    large = tmp_path / "large.png"
    Image.new("RGB", (200, 200)).save(large)
    assert decoded([large], None, None, None).images.shape == (1, 3, 64, 64)


def test_a_given_shape_goes_first(files):
    assert decoded(files, 9, (1, 5, 7), None).images.shape == (5, 1, 5, 7)


def test_grey_files_have_one_channel(files):
    for path in files:
        Image.open(path).convert("L").save(path)
    assert decoded(files, None, None, None).images.shape == (5, 1, 6, 4)
    Image.fromarray(PIXELS[0]).save(files[0])
    assert decoded(files, None, None, None).images.shape == (5, 3, 6, 4)


@pytest.mark.parametrize("shape", [None, (3, 6, 4)])
def test_bad_files_leave_no_hole(files, shape):
    files[0].write_bytes(b"")
    files[3].write_bytes(files[3].read_bytes()[:70])
    for found in (decoded(files, None, shape, None), decoded(files, None, shape, None)):
        np.testing.assert_array_equal(found.images, PIXELS[[1, 2, 4]].transpose(0, 3, 1, 2))
        assert found.rows.tolist() == [1, 2, 4]
        assert sorted(found.bad) == [0, 3]
        assert found.bad[0] == "empty, 0 bytes"


def test_no_good_file_at_all(files):
    for path in files:
        path.write_bytes(b"")
    for found in (decoded(files, 4, None, None), decoded(files, 4, None, None)):
        assert len(found.images) == len(found.rows) == 0
        assert len(found.bad) == 5


def test_a_full_disk_leaves_nothing_behind(files, cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=r"cannot be written: No space left on device\. Free some space"):
        decoded(files, None, None, None)
    assert list(cache.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(files, cache, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decoded(files, None, None, None)
    assert list(cache.iterdir()) == []
