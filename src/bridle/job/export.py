"""Predictions as a CSV file."""

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bridle.errors import RunError, StorageError


class Predictions(Protocol):
    """What :func:`write_predictions` reads of a run's predictions."""

    @property
    def prediction(self) -> NDArray[np.generic]:
        """Names of classes, or numbers."""

    @property
    def probabilities(self) -> NDArray[np.floating] | None:
        """``(N, C)``, or ``None`` for numbers."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the columns of the probabilities."""


def check_free(out: str | Path, *, overwrite: bool = False) -> None:
    """Refuse to write over what exists, before any work is done.

    Raises:
        RunError: If ``out`` exists and may not be replaced, or its folder does not exist.
    """
    path = Path(out)
    if path.is_dir() or (path.exists() and not overwrite):
        raise RunError(f"--out {str(out)!r} exists and is not overwritten. Name another file, or add --overwrite.")
    if not path.parent.is_dir():
        raise RunError(f"--out {str(out)!r} cannot be written: the folder {str(path.parent)!r} does not exist.")


def write_predictions(predictions: Predictions, out: str | Path) -> None:
    """A CSV file with a column ``prediction`` and, for classes, a column ``probability_<class>`` for each.

    Raises:
        StorageError: If it cannot be written; nothing is left behind then.
    """
    columns: dict[str, NDArray[np.generic]] = {"prediction": np.asarray(predictions.prediction)}
    if predictions.probabilities is not None:
        for place, name in enumerate(predictions.classes):
            columns[f"probability_{name}"] = np.asarray(predictions.probabilities[:, place])
    path = Path(out)
    part = path.with_name(f".{path.name}.part")
    try:
        pl.DataFrame(columns).write_csv(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{str(out)!r} cannot be written: {error.strerror or error}.") from None
