"""Folders of CIFAR's binary files, CIFAR-10 or CIFAR-100, plain or gzip.

A record is one label byte (two in CIFAR-100), then 3,072 bytes as planes R, G and B.
https://www.cs.toronto.edu/~kriz/cifar.html describes the format. Of CIFAR-100 the fine labels are read.
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

_NAME = re.compile(r"^(?P<part>data_batch_\d+|test_batch|train|test)\.bin(\.gz)?$")
_PICKLED = re.compile(r"^(data_batch_\d+|test_batch|batches\.meta)$")
PIXELS = 3 * 32 * 32


@final
@dataclass(frozen=True)
class _Test:
    """The test files of a folder."""

    folder: Path


def _files(folder: Path, *, test: bool) -> list[Path]:
    named = [(path, _NAME.match(path.name)) for path in sorted(folder.iterdir())]
    return [path for path, match in named if match and match["part"].startswith("test") == test]


def _accepts(source: Any) -> bool:
    if not isinstance(source, Path) or not source.is_dir():
        return isinstance(source, _Test)
    return any(_NAME.match(path.name) or _PICKLED.match(path.name) for path in source.iterdir())


def _read(source: Path | _Test, options: Options, layout: Layout | None) -> Dataset:
    test = isinstance(source, _Test)
    folder = source.folder if isinstance(source, _Test) else source
    files = _files(folder, test=test) or _files(folder, test=True)
    if not files:
        raise DataError(f"{folder} holds CIFAR as Python pickles, which are never read. Fetch the binary version.")
    fine = files[0].name.startswith(("train", "test."))
    records = [_records(path, 2 if fine else 1) for path in files]
    images = np.concatenate([record[:, -PIXELS:] for record in records]).reshape(-1, 3, 32, 32)
    codes = np.concatenate([record[:, -PIXELS - 1] for record in records])
    names = _names(folder, 100 if fine else 10, fine=fine)
    labels = coded(codes, names, str(folder))
    return image_dataset(
        images, labels, f"{folder} (test)" if test else str(folder), labelled(options), layout, high=255
    )


def _records(path: Path, labels: int) -> NDArray[np.uint8]:
    data = np.frombuffer(content(path), np.uint8)
    size = labels + PIXELS
    if not len(data) or len(data) % size:
        raise DataError(
            f"{path} is truncated or damaged: it must hold records of {size} bytes; got {len(data)} bytes. Fetch it "
            "again."
        )
    return data.reshape(-1, size)


def _names(folder: Path, classes: int, *, fine: bool) -> tuple[str, ...]:
    """The classes in the order of their codes, numbers where the file of names is missing."""
    path = folder / ("fine_label_names.txt" if fine else "batches.meta.txt")
    names = tuple(path.read_text(encoding="utf-8").split()) if path.is_file() else ()
    return names if len(names) == classes else tuple(str(code) for code in range(classes))


def _official_test(source: Path) -> _Test | None:
    return _Test(source) if _files(source, test=True) and _files(source, test=False) else None


SOURCE = Source("cifar", _accepts, _read, _official_test)
