"""The report's gallery: examples beside what the network sees of them."""

import errno
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridle.core import Augmentation, Recipe
from bridle.data.dataset import Dataset
from bridle.data.preprocess import Preprocessing
from bridle.errors import StorageError
from bridle.job.views import original, pixels, some_rows, view
from bridle.records import Kind, Sample, Task

SMALLEST, LARGEST = 96, 192


def gallery(
    dataset: Dataset,
    preprocessing: Preprocessing,
    recipe: Recipe,
    rows: NDArray[np.int64],
    folder: Path,
    seed: int,
    count: int = 8,
    views: int = 5,
) -> tuple[Sample, ...]:
    """Pictures of a few training examples and of their augmented views in the first epochs, in ``folder/gallery``.

    Args:
        dataset: All rows.
        preprocessing: Fitted on the training rows.
        recipe: The recipe; its augmentations make the views.
        rows: The rows to choose from, which must not be sealed.
        folder: The run folder.
        seed: The seed of the training whose views are shown.
        count: How many examples.
        views: How many views of each; with an expanded training set at most the number of copies.

    Returns:
        One record per example; none for a table, or where the recipe has no augmentation.

    Raises:
        StorageError: If a picture cannot be written.
    """
    if dataset.layout.kind is not Kind.IMAGE or not recipe.of(Augmentation):
        return ()
    chosen = some_rows(dataset, rows, seed, count)
    batch = original(dataset, preprocessing, chosen)
    shown = [view(batch, recipe, seed, epoch) for epoch in range(views_of(recipe, views))]
    place = folder / "gallery"
    samples = []
    try:
        place.mkdir(parents=True, exist_ok=True)
        for number, row in enumerate(chosen):
            names = [f"{number}.png", *(f"{number}-{epoch + 1}.png" for epoch in range(len(shown)))]
            for name, images in zip(names, [batch, *shown], strict=True):
                picture(pixels(images.inputs[number])).save(place / name)
            samples.append(Sample(label_of(dataset, row), names[0], tuple(names[1:])))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(error.errno or errno.EIO, f"{place} cannot be written: {reason}. Free some space.") from None
    return tuple(samples)


def views_of(recipe: Recipe, views: int) -> int:
    """How many different views there are, at most ``views``."""
    return min(views, recipe.training.expand or recipe.training.epochs)


def label_of(dataset: Dataset, row: np.int64) -> str:
    """The name of a row's class, or its number."""
    target = dataset.targets[row]
    return dataset.layout.classes[target] if dataset.layout.task is Task.CLASSIFICATION else f"{target:g}"


def picture(content: NDArray[np.uint8]) -> Image.Image:
    """A picture large enough to see: small ones enlarged pixel by pixel, large ones reduced."""
    image = Image.fromarray(content)
    factor = -(-SMALLEST // max(1, min(image.size)))
    if factor > 1:
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    if max(image.size) > LARGEST:
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    return image
