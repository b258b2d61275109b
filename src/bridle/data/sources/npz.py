"""NumPy's ``.npz``: arrays X and y, and X_test and y_test where there is an official test set. Nothing is unpickled."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.sources.arrays import array_dataset
from bridle.data.sources.source import Source
from bridle.errors import DataError
from bridle.records import Layout

INPUTS, TARGETS = ("X", "x", "X_train", "x_train"), ("y", "Y", "y_train")
TEST_INPUTS, TEST_TARGETS = ("X_test", "x_test"), ("y_test",)


@final
@dataclass(frozen=True)
class _Test:
    """The test arrays of a file."""

    path: Path


def _accepts(source: Any) -> bool:
    return isinstance(source, _Test) or (isinstance(source, Path) and source.is_file() and source.suffix == ".npz")


def _read(source: Path | _Test, options: Options, layout: Layout | None) -> Dataset:
    is_test = isinstance(source, _Test)
    path = source.path if isinstance(source, _Test) else source
    if not path.stat().st_size:
        raise DataError(f"{path} is empty (0 bytes). Name another file.")
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is no npz file, or a damaged one. Write it with numpy.savez(path, X=..., y=...).")
    try:
        with np.load(path, allow_pickle=False) as file:
            inputs = _first(file, TEST_INPUTS if is_test else INPUTS)
            targets = _first(file, TEST_TARGETS if is_test else TARGETS)
            found = list(file.files)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: {error}. It must hold plain arrays X and y; arrays of Python objects are refused."
        ) from None
    if inputs is None or (targets is None and layout is None):
        raise DataError(f"{path} must hold the arrays X and y; it holds {', '.join(found) or 'none'}. Rename them.")
    return array_dataset(inputs, targets, f"{path} (test)" if is_test else str(path), options, layout)


def _first(file: Any, names: tuple[str, ...]) -> Any:
    return next((file[name] for name in names if name in file.files), None)


def _official_test(source: Path) -> _Test | None:
    with np.load(source, allow_pickle=False) as file:
        held = set(file.files)
    return _Test(source) if held & set(TEST_INPUTS) and held & set(TEST_TARGETS) else None


SOURCE = Source("npz", _accepts, _read, _official_test)
