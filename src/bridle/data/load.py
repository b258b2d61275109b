"""Loading: from whatever the user names to a data set."""

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.data.sources import arrays, bundled, cifar, folder, frame, idx, npz, ready, table, torch_dataset
from bridle.data.sources.source import Source
from bridle.errors import DataError
from bridle.records import Layout

SOURCES: tuple[Source, ...] = (
    ready.SOURCE,
    idx.SOURCE,
    cifar.SOURCE,
    folder.SOURCE,
    npz.SOURCE,
    table.SOURCE,
    frame.SOURCE,
    arrays.SOURCE,
    torch_dataset.SOURCE,
    bundled.SOURCE,
)
"""The first that accepts reads. Paths come before bundled names."""


def load(source: Any, options: Options = Options(), layout: Layout | None = None) -> Dataset:  # noqa: B008
    """Read a data set.

    Args:
        source: A path; ``(X, y)``; ``(frame, "target")`` with a polars or pandas frame or a mapping of columns; a
            map-style torch data set; or the name of a bundled data set. A path beats a bundled name.
        options: How to read it.
        layout: The layout that the rows must have (a test file, or rows to predict). Then a category that it does not
            know becomes "unknown", and the target may be missing (codes -1, or NaN).

    Raises:
        DataError: For every fault that the user can mend.
        StorageError: If the cache cannot be written.
    """
    found = _existing(source)
    return _source_of(found).read(found, options, layout)


def load_pair(
    source: Any,
    test_source: Any = None,
    options: Options = Options(),  # noqa: B008
) -> tuple[Dataset, Dataset | None]:
    """Read a data set and its separate test set.

    Args:
        source: As in :func:`load`.
        test_source: The user's test set, laid out as the training data. ``None``: the official one where the source
            has one (IDX and CIFAR folders, arrays named ``X_test``, a folder of images with ``train`` and ``test``).
        options: How to read both.

    Returns:
        The training data, and the test data or ``None``. Test rows without a target are left out, with a note.

    Raises:
        DataError: Also where the test set has no target.
    """
    found = _existing(source)
    kind = _source_of(found)
    train = kind.read(found, options, None)
    if test_source is not None:
        return train, _scored(load(test_source, options, train.layout))
    official = kind.official_test(found)
    return train, None if official is None else _scored(kind.read(official, options, train.layout))


def _scored(test: Dataset) -> Dataset:
    known = np.flatnonzero(test.known)
    if len(known) == len(test):
        return test
    if not len(known):
        raise DataError(
            f"{test.name}: a test set needs the target {test.layout.target!r}; it holds none. Name a file that has it."
        )
    return test.take(known, f"{len(test) - len(known)} test rows without a target were left out.")


def _existing(source: Any) -> Any:
    """A text as a path where something lies there."""
    if isinstance(source, str | Path) and Path(source).expanduser().exists():
        return Path(source).expanduser()
    return source


def _source_of(source: Any) -> Source:
    for kind in SOURCES:
        if kind.accepts(source):
            return kind
    if isinstance(source, Path) and source.exists():
        raise DataError(_unknown_format(source))
    if isinstance(source, str | Path):
        raise DataError(_missing(Path(source)))
    raise DataError(
        "Data must be a path, (X, y), (frame, 'target'), a map-style torch data set or the name of a bundled data set; "
        f"got {type(source).__name__}."
    )


def _unknown_format(path: Path) -> str:
    if path.is_dir():
        return (
            f"{path} holds nothing that can be read; a folder must hold one folder of images (png, jpeg, webp, bmp) "
            "per class, the four IDX files of MNIST, or CIFAR's binary files."
        )
    return (
        f"{path}: the format {path.suffix or 'without ending'!r} is not known; allowed are csv, tsv and parquet, "
        "plain or gzip, and npz. Convert it."
    )


def _missing(path: Path) -> str:
    names = [*bundled.NAMES]
    if path.parent.is_dir():
        names += [str(path.with_name(other.name)) for other in sorted(path.parent.iterdir())]
    near = difflib.get_close_matches(str(path), names, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return (
        f"There is no file or folder {str(path)!r}, and no bundled data set of that name (bundled are "
        f"{', '.join(bundled.NAMES)}).{meant}"
    )
