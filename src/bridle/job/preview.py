"""What a recipe's augmentations make of data, before anything is trained."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bridle.core import Augmentation, Recipe
from bridle.core.dials import Between
from bridle.data.load import load
from bridle.data.preprocess import fit
from bridle.engine.check import check_recipe
from bridle.errors import RecipeError, RunError, StorageError
from bridle.job.export import check_free
from bridle.job.gallery import label_of, views_of
from bridle.job.reading import options_of
from bridle.job.row_text import row_tables
from bridle.job.sheet import contact_sheet
from bridle.job.views import original, some_rows, view
from bridle.records import Kind
from bridle.regularizers.catalogue import load_recipe

SHOWN = {Kind.IMAGE: 8, Kind.TABLE: 3}


def preview(
    data: Any,
    recipe: Recipe | str | Path,
    out: str | Path | None = None,
    *,
    count: int | None = None,
    views: int = 5,
    seed: int = 0,
    overwrite: bool = False,
    **options: Any,
) -> str:
    """Show examples as they are and as the recipe's augmentations make them.

    Images become one picture: a row per example, the original first. Tables become text. Of a space every dial is
    shown at its upper end, with all that is optional.

    Args:
        data: As for :func:`bridle.fit`.
        recipe: A recipe, or the path of one.
        out: The file to write; by default ``preview.png`` for images and none for tables.
        count: How many examples; by default 8 images or 3 rows of a table.
        views: How many views of each.
        seed: Keys the draws, as in :func:`bridle.fit`.
        overwrite: Whether ``out`` may be replaced.
        **options: How to read the data, see :class:`bridle.data.options.Options`.

    Returns:
        For images a sentence that says what was written, for tables the text.

    Raises:
        BridleError: If the data or the recipe cannot be read, the recipe augments nothing, or ``out`` exists.
    """
    full = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    settled = strongest(full)
    if not settled.of(Augmentation):
        has = ", ".join(full.active) or "no regularizer"
        raise RecipeError(f"The recipe has no augmentation, so there is nothing to preview; it has {has}.")
    if out is not None:
        check_free(out, overwrite=overwrite)
    dataset = load(data, options_of(options))
    check_recipe(settled, dataset.layout)
    is_image = dataset.layout.kind is Kind.IMAGE
    if is_image and out is None:
        out = Path("preview.png")
        check_free(out, overwrite=overwrite)
    known = np.flatnonzero(dataset.known).astype(np.int64)
    rows = some_rows(dataset, known, seed, count or SHOWN[dataset.layout.kind])
    preprocessing = fit(dataset, known)
    batch = original(dataset, preprocessing, rows)
    shown = [view(batch, settled, seed, epoch) for epoch in range(views_of(settled, views))]
    names = [f"{'copy' if settled.training.expand else 'epoch'} {epoch + 1}" for epoch in range(len(shown))]
    if is_image:
        sheet = contact_sheet([batch, *shown], ["original", *names], [label_of(dataset, row) for row in rows])
        _write(Path(out or ""), sheet.save)
        return f"Wrote {out}: {len(rows)} examples, each with {len(shown)} views."
    text = row_tables([batch, *shown], ["original", *names], preprocessing)
    if out is not None:
        _write(Path(out), lambda path: path.write_text(text + "\n", encoding="utf-8"))
    return text


def strongest(space: Recipe) -> Recipe:
    """A recipe of a space: every dial at its upper end, with all that is optional."""
    values: dict[str, Any] = {}
    for address, free in space.free().items():
        values[address] = free.high if isinstance(free, Between) else max(free.values)
    return space.settle(values) if values else space


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    try:
        write(path)
    except ValueError:  # Pillow's, for a suffix that it does not know
        raise RunError(f"--out {str(path)!r} names no format of pictures; end it with .png.") from None
    except OSError as error:
        raise StorageError(error.errno or errno.EIO, f"{path} cannot be written: {error.strerror or error}.") from None
