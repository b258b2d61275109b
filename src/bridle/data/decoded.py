"""Pictures decoded once, at working size, into a memory-mapped file of the cache folder."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from bridle.data.pictures import BadPicture, Probe, decode, probe, quiet
from bridle.data.room import cache_folder, reserve, storage

VERSION = 1
"""Of the decoding: another one decodes anew."""

AT_ONCE = 1024
"""Files handed to the threads at once."""

DEFAULT_SIZE, LARGEST_COMMON = 64, 128
"""The working size where files differ, or where their common size is larger than the second."""

HEADER = 192
"""Bytes before the pixels."""

T = TypeVar("T")


@final
@dataclass(frozen=True, eq=False)
class Decoded:
    """Decoded pictures.

    Args:
        images: ``(N, channels, height, width)`` uint8, memory-mapped.
        rows: Which of the given files they are, ascending.
        bad: The others, with the reason.
        sized: Whether the files had one common size, which was kept.
    """

    images: NDArray[np.uint8]
    rows: NDArray[np.int64]
    bad: dict[int, str]
    sized: bool


def decoded(files: Sequence[Path], size: int | None, shape: tuple[int, ...] | None, cache: Path | None) -> Decoded:
    """Decode files, or find them decoded.

    Args:
        files: The files in the order of their rows.
        size: Height and width; ``None`` for the common size of at most 128 pixels, else 64.
        shape: The shape of one image where it is fixed; it goes before ``size``.
        cache: The cache folder, ``None`` for the user's own.

    Raises:
        StorageError: If the disk is full; nothing half-written is left.
    """
    folder = cache_folder(cache)
    stem = folder / _key(files, size, shape)
    found = _stored(stem)
    if found is not None:
        return found
    with quiet(), storage(folder), ThreadPoolExecutor(_threads()) as pool:
        _decode_all(files, size, shape, stem, pool)
    stored = _stored(stem)
    if stored is None:
        raise RuntimeError(f"the cache {stem} vanished while it was written")
    return stored


def _threads() -> int:
    return min(8, os.cpu_count() or 1)


def _key(files: Sequence[Path], size: int | None, shape: tuple[int, ...] | None) -> str:
    """A name for the content: changes with any file's path, size or time."""
    digest = hashlib.sha256(repr((VERSION, size, shape)).encode())
    for path in files:
        status = path.stat()
        digest.update(f"{path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return f"images-{digest.hexdigest()[:32]}"


def _stored(stem: Path) -> Decoded | None:
    """What an earlier run left, if it is whole."""
    try:
        known = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
        shape = tuple(known["shape"])
        images = np.load(stem.with_suffix(".npy"), "r" if shape[0] else None, allow_pickle=False)
    except (OSError, ValueError, KeyError):
        return None
    if images.shape != shape:
        return None
    bad = {int(place): reason for place, reason in known["bad"].items()}
    rows = np.setdiff1d(np.arange(shape[0] + len(bad)), [*bad])
    return Decoded(images, rows.astype(np.int64), bad, known["sized"])


def _decode_all(
    files: Sequence[Path], size: int | None, shape: tuple[int, ...] | None, stem: Path, pool: ThreadPoolExecutor
) -> None:
    sized = False
    bad: dict[int, str] = {}
    if shape is None:
        probes = _sort_out(_in_threads(pool, probe, files), bad)
        shape, sized = _working_shape(probes, size)
    good = [place for place in range(len(files)) if place not in bad]
    with _new_file(stem.with_suffix(".npy"), HEADER + len(good) * math.prod(shape)) as file:
        results = _in_threads(pool, partial(decode, shape=shape), [files[place] for place in good])
        count = _fill(file, shape, zip(good, results, strict=True), len(good), bad)
    record = json.dumps({"shape": [count, *shape], "bad": bad, "sized": sized}).encode()
    with _new_file(stem.with_suffix(".json"), len(record)) as file:
        file.write(record)


def _fill(
    file: IO[bytes],
    shape: tuple[int, ...],
    results: Iterable[tuple[int, NDArray[np.uint8] | BadPicture]],
    most: int,
    bad: dict[int, str],
) -> int:
    """Write the images one after the other, and say how many they are; those that fail are added to ``bad``."""
    held = np.memmap(file, np.uint8, "r+", HEADER, (most, *shape)) if most else np.zeros((0, *shape), np.uint8)
    count = 0
    for place, image in results:
        if isinstance(image, BadPicture):
            bad[place] = str(image)
        else:
            held[count] = image
            count += 1
    if isinstance(held, np.memmap):
        held.flush()
    file.truncate(HEADER + count * math.prod(shape))
    file.seek(0)
    file.write(_header((count, *shape)))
    return count


def _header(shape: tuple[int, ...]) -> bytes:
    """The head of a ``.npy`` file (version 1.0), of one length for any shape: the number of images is known last."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(HEADER - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.encode()


def _sort_out(probes: Iterator[Probe | BadPicture], bad: dict[int, str]) -> list[Probe]:
    good = []
    for place, found in enumerate(probes):
        if isinstance(found, BadPicture):
            bad[place] = str(found)
        else:
            good.append(found)
    return good


def _working_shape(probes: Sequence[Probe], size: int | None) -> tuple[tuple[int, ...], bool]:
    """Channels, height and width for all, and whether that is the files' own size."""
    channels = 1 if all(item.grey for item in probes) else 3
    sizes = {(item.height, item.width) for item in probes}
    common = sizes.pop() if len(sizes) == 1 else None
    if size is None and common is not None and max(common) <= LARGEST_COMMON:
        return (channels, *common), True
    chosen = size or DEFAULT_SIZE
    return (channels, chosen, chosen), common == (chosen, chosen)


def _in_threads(pool: ThreadPoolExecutor, work: Callable[[Path], T], files: Sequence[Path]) -> Iterator[T | BadPicture]:
    """Results in the order of the files, a bounded number at once."""

    def attempt(path: Path) -> T | BadPicture:
        try:
            return work(path)
        except BadPicture as bad:
            return bad

    for start in range(0, len(files), AT_ONCE):
        yield from pool.map(attempt, files[start : start + AT_ONCE])


@contextmanager
def _new_file(path: Path, size: int) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is whole, and not at all when something fails."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("w+b") as file:
            if size:
                reserve(file, size)
                file.seek(0)
            yield file
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
