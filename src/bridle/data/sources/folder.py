"""Folders of pictures: one folder per class, with png, jpeg, webp or bmp files of any sizes and modes.

A folder of folders named ``train`` and ``test`` is a training set with its official test set.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import polars as pl

from bridle.data.dataset import Dataset
from bridle.data.decoded import Decoded, decoded
from bridle.data.images import image_dataset, labelled
from bridle.data.options import Options
from bridle.data.sources.source import Source
from bridle.errors import DataError
from bridle.records import Kind, Layout

ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp")
TRAIN, TEST = "train", "test"
SHOWN = 5
"""How many bad files a message names."""


@final
@dataclass(frozen=True)
class _Files:
    """The pictures of a folder.

    Args:
        paths: In the order of the classes, then of their names.
        classes: The name of each one's class, ``None`` where the folder has no classes.
        ignored: How many other files there are, by ending.
    """

    paths: tuple[Path, ...]
    classes: tuple[str | None, ...]
    ignored: dict[str, int]


def _accepts(source: Any) -> bool:
    return isinstance(source, Path) and source.is_dir() and any(_is_picture(path) for path in source.rglob("*"))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def _has_parts(folder: Path) -> bool:
    """Whether the folder holds a training and a test part rather than classes."""
    names = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    return {TRAIN, TEST} <= names <= {TRAIN, TEST, "val", "valid", "validation"}


def _found(folder: Path) -> _Files:
    paths, classes = [], []
    ignored: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts) or not path.is_file():
            continue
        if _is_picture(path):
            paths.append(path)
            classes.append(inner.parts[0] if len(inner.parts) > 1 else None)
        else:
            ignored[path.suffix.lower() or "no ending"] += 1
    return _Files(tuple(paths), tuple(classes), dict(ignored))


def _read(source: Path, options: Options, layout: Layout | None) -> Dataset:
    folder = source / TRAIN if _has_parts(source) else source
    files = _found(folder)
    loose = files.classes.count(None)
    if loose and (layout is None or loose < len(files.paths)):
        example = files.paths[files.classes.index(None)].name
        raise DataError(
            f"{folder} must hold one folder of images per class; {loose} image(s) lie beside the folders, such as "
            f"{example}. Move each into the folder of its class."
        )
    if layout is not None and layout.kind is not Kind.IMAGE:
        raise DataError(f"{folder} holds images; the model was trained on a table. Name a table.")
    pictures = decoded(files.paths, options.size, None if layout is None else layout.shape, options.cache)
    notes = _notes(folder, files, pictures, options)
    labels = None
    if not loose:
        labels = pl.Series("class", [files.classes[row] for row in pictures.rows], dtype=pl.String)
        if layout is None:
            _check_empty(folder, labels)
    return image_dataset(pictures.images, labels, str(source), labelled(options), layout, high=255, notes=notes)


def _check_empty(folder: Path, labels: pl.Series) -> None:
    """Every folder must leave a class: one that held only bad or unknown files is more likely a mistake."""
    names = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    lost = sorted(names - set(labels.to_list()))
    if lost:
        raise DataError(
            f"{folder}: the folder {lost[0]!r} holds no image that can be read; allowed are {', '.join(ENDINGS)}. "
            "Remove it or convert its files."
        )


def _notes(folder: Path, files: _Files, pictures: Decoded, options: Options) -> tuple[str, ...]:
    """What should be said, or the refusal where bad files are not to be skipped."""
    notes = []
    if pictures.bad:
        listed = "; ".join(f"{files.paths[row]} ({reason})" for row, reason in [*pictures.bad.items()][:SHOWN])
        more = f"; and {len(pictures.bad) - SHOWN} more" if len(pictures.bad) > SHOWN else ""
        said = f"{len(pictures.bad)} of {len(files.paths)} images cannot be read: {listed}{more}."
        if options.bad_images == "refuse" or not len(pictures.rows):
            raise DataError(f"{folder}: {said} Repair or remove them, or leave them out with --bad-images skip.")
        notes.append(f"{said} They were skipped.")
    if files.ignored:
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(files.ignored.items()))
        notes.append(f"Files that are no images were left aside: {kinds}.")
    channels, height, width = pictures.images.shape[1:]
    how = "as they are" if pictures.sized else "scaled to cover that and cut evenly; another size with --size"
    notes.append(f"Images are used at {height} x {width} pixels, {'grey' if channels == 1 else 'in colour'}: {how}.")
    return tuple(notes)


def _official_test(source: Path) -> Path | None:
    return source / TEST if _has_parts(source) else None


SOURCE = Source("folder", _accepts, _read, _official_test)
