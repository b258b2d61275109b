"""Room for large arrays: in memory while they are small, in a file on disk when they are not."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bridle.errors import StorageError

RESIDENT = 256 * 2**20
"""Arrays of more bytes than this are kept in a file."""

FAULTS = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
)
"""What the system says of a disk that is full or a folder that cannot be written."""


def cache_folder(given: Path | None = None) -> Path:
    """The folder for decoded images and large tables, made if it is not there.

    Args:
        given: The user's choice; ``None`` for ``BRIDLE_CACHE``, else the cache folder of the system.

    Raises:
        StorageError: If it cannot be made.
    """
    folder = given or Path(os.environ.get("BRIDLE_CACHE") or _system_cache())
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _system_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "bridle"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "bridle"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bridle"


@contextmanager
def storage(place: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in FAULTS:
            raise
        raise StorageError(
            f"{place} cannot be written: {os.strerror(error.errno)}. Free some space, or name another folder with the "
            "environment variable BRIDLE_CACHE."
        ) from error


def empty(shape: tuple[int, ...], dtype: DTypeLike, cache: Path | None = None) -> NDArray[Any]:
    """A new array; a large one lives in an unnamed file of the cache folder that goes when the array does.

    Raises:
        StorageError: If the disk has no room for it.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= RESIDENT:
        return np.empty(shape, dtype)
    folder = cache_folder(cache)
    with storage(folder), tempfile.TemporaryFile(dir=folder) as file:
        reserve(file, size)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def reserve(file: IO[bytes], size: int) -> None:
    """Give a file its size with real blocks on disk: writing to a mapped hole on a full disk would kill the process."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise
    block = bytes(2**20)
    for start in range(0, size, len(block)):
        file.write(block[: size - start])
    file.flush()
