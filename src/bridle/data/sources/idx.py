"""Folders of IDX files, as MNIST is published: images and labels for training and for the test, plain or gzip.

http://yann.lecun.com/exdb/mnist/ describes the format: two zero bytes, the type, the number of axes, each length as a
big-endian 32-bit number, then the values.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bridle.data.dataset import Dataset
from bridle.data.images import coded, image_dataset, labelled
from bridle.data.options import Options
from bridle.data.sources.gzipped import content
from bridle.data.sources.source import Source
from bridle.errors import DataError
from bridle.records import Layout

_NAME = re.compile(r"(?P<part>train|t10k|test)[-_.](?P<what>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$")
UNSIGNED_BYTES = 8


@final
@dataclass(frozen=True)
class _Part:
    """The training or the test files of a folder."""

    folder: Path
    test: bool


def _files(folder: Path, *, test: bool) -> dict[str, Path]:
    """The files of one part, by ``"images"`` and ``"labels"``."""
    found = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.search(path.name)
        if match and (match["part"] != "train") == test:
            found[match["what"]] = path
    return found


def _accepts(source: Any) -> bool:
    if isinstance(source, _Part):
        return True
    return (
        isinstance(source, Path) and source.is_dir() and bool(_files(source, test=False) or _files(source, test=True))
    )


def _read(source: Path | _Part, options: Options, layout: Layout | None) -> Dataset:
    folder, test = (source.folder, source.test) if isinstance(source, _Part) else (source, False)
    files = _files(folder, test=test)
    if not files and isinstance(source, Path):
        files = _files(folder, test=True)
    missing = {"images", "labels"} - set(files)
    if missing:
        raise DataError(
            f"{folder} lacks the IDX file of the {missing.pop()} beside {next(iter(files.values())).name}. Fetch it "
            "again."
        )
    images = read_idx(files["images"], axes=3)
    codes = read_idx(files["labels"], axes=1)
    names = tuple(str(code) for code in range(int(codes.max(initial=0)) + 1))
    labels = coded(codes, names, str(files["labels"]))
    name = f"{folder} (test)" if test else str(folder)
    return image_dataset(images, labels, name, labelled(options), layout, high=255)


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes.

    Raises:
        DataError: If it is damaged, or not of so many axes.
    """
    data = content(path)
    if len(data) < 4 + 4 * axes or data[:4] != bytes([0, 0, UNSIGNED_BYTES, axes]):
        raise DataError(
            f"{path} is no IDX file of unsigned bytes with {axes} axes; it begins with "
            f"{data[:4].hex() or 'nothing'}. Fetch it again."
        )
    shape = tuple(int(length) for length in np.frombuffer(data, ">u4", axes, 4))
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if len(values) != int(np.prod(shape)):
        raise DataError(
            f"{path} is truncated or damaged: its header says {shape}, which is {int(np.prod(shape))} bytes; it holds "
            f"{len(values)}. Fetch it again."
        )
    return values.reshape(shape)


def _official_test(source: Path) -> _Part | None:
    has_both = _files(source, test=False) and _files(source, test=True)
    return _Part(source, test=True) if has_both else None


SOURCE = Source("idx", _accepts, _read, _official_test)
