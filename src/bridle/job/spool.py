"""A data set as plain arrays in the run folder: mapped into memory by workers, and what ``--resume`` goes on with."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from bridle.data.dataset import Dataset
from bridle.errors import RunError, StorageError
from bridle.records import Layout, serial

ARRAYS = ("inputs", "targets", "weights", "groups", "times")


def save(dataset: Dataset, folder: Path) -> None:
    """Write a data set; inputs that are a memory-mapped file already are referred to, not copied.

    Raises:
        StorageError: If the disk is full.
    """
    plain: dict[str, Any] = {
        "layout": serial.to_plain(dataset.layout),
        "name": dataset.name,
        "notes": list(dataset.notes),
    }
    plain["fingerprint"] = dataset.fingerprint
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            array = getattr(dataset, name)
            if array is not None:
                plain[name] = _place(array, folder / f"{name}.npy")
        (folder / "data.json").write_text(json.dumps(plain), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StorageError(
            error.errno or errno.EIO, f"{folder} could not be written: {error}. Free some space."
        ) from None


def _place(array: np.ndarray[Any, Any], path: Path) -> str:
    filename = getattr(array, "filename", None)
    if (
        filename is not None
        and str(filename).endswith(".npy")
        and array.ndim
        and np.load(filename, mmap_mode="r").shape == array.shape
    ):
        return str(Path(filename).resolve())
    np.save(path, array, allow_pickle=False)
    return path.name


def load(folder: Path) -> Dataset:
    """The data set that :func:`save` wrote, memory-mapped.

    Raises:
        RunError: If it is missing or damaged.
    """
    try:
        plain = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        arrays: dict[str, Any] = {
            name: np.load(folder / plain[name], mmap_mode="r") if name in plain else None for name in ARRAYS
        }
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"The data of the run in {folder} cannot be read ({error}). Start it again.") from None
    layout = serial.from_plain(Layout, plain["layout"], "layout")
    return Dataset(**arrays, layout=layout, name=plain["name"], notes=tuple(plain["notes"]))
