"""Packed files, unpacked whole: a gzip file that was cut short is noticed, not read in part."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridle.data.room import cache_folder, storage
from bridle.errors import DataError

MAGIC = b"\x1f\x8b"


def is_packed(path: Path) -> bool:
    """Whether a file is gzip, by its first bytes."""
    with path.open("rb") as file:
        return file.read(2) == MAGIC


@contextmanager
def unpacked(path: Path, cache: Path | None = None) -> Iterator[Path]:
    """The plain file: the file itself, or its content in a temporary file of the cache folder.

    Raises:
        DataError: If the gzip file is truncated or damaged.
        StorageError: If the disk is full.
    """
    if not is_packed(path):
        yield path
        return
    folder = cache_folder(cache)
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        plain = Path(inner) / path.name.removesuffix(".gz")
        with storage(folder), _sound(path), gzip.open(path) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file, 2**20)
        yield plain


def content(path: Path) -> bytes:
    """The plain bytes of a file, packed or not.

    Raises:
        DataError: If the gzip file is truncated or damaged.
    """
    if not is_packed(path):
        return path.read_bytes()
    with _sound(path), gzip.open(path) as packed:
        return packed.read()


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise DataError(f"{path} is a truncated gzip file: it ends too early. Fetch it again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Fetch it again.") from None
