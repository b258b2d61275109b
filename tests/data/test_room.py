import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridle.data import room
from bridle.data.room import cache_folder, empty, reserve, storage
from bridle.errors import StorageError


def test_the_users_folder_goes_first(tmp_path, cache):
    assert cache_folder(tmp_path / "mine") == tmp_path / "mine"
    assert cache_folder() == cache
    assert cache.is_dir()


def test_the_folder_of_the_system(tmp_path, monkeypatch):
    monkeypatch.delenv("BRIDLE_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "bridle"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "bridle"
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / "Library" / "Caches" / "bridle"


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be written: .* or name another folder with .* BRIDLE_CACHE"):
        cache_folder(tmp_path / "file" / "cache")


def test_small_arrays_are_in_memory(cache):
    assert type(empty((3, 4), np.float32)) is np.ndarray
    assert not cache.exists()


def test_large_arrays_are_in_a_file_without_a_name(cache, monkeypatch):
    monkeypatch.setattr(room, "RESIDENT", 100)
    array = empty((100, 4), np.float32)
    assert isinstance(array, np.memmap)
    array[:] = np.arange(400).reshape(100, 4)
    assert float(array.sum()) == 399 * 200
    assert list(cache.iterdir()) == []


def test_a_full_disk_is_a_storage_error(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(room, "RESIDENT", 100)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageError, match=r"cannot be written: No space left on device\. Free some space"):
        empty((100, 4), np.float32)


def test_a_limit_of_the_system_is_a_storage_error(cache):
    code = (
        "import resource, numpy, bridle.data.room as room\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "room.RESIDENT = 100\n"
        "room.empty((1000, 4), numpy.float32)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert process.returncode == 1
    assert "StorageError" in process.stderr
    assert "File too large" in process.stderr


def test_other_errors_pass():
    with pytest.raises(FileNotFoundError), storage(Path()):
        raise FileNotFoundError(errno.ENOENT, "gone")


def test_room_is_reserved_where_the_system_has_no_call_for_it(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.EOPNOTSUPP, "no")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    path = tmp_path / "file"
    with path.open("w+b") as file:
        reserve(file, 3_000_001)
    assert path.stat().st_size == 3_000_001
