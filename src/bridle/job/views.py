"""What the network sees of some examples over the epochs: the same draws as the final training makes."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Recipe
from bridle.core.draws import generator
from bridle.data.dataset import Dataset
from bridle.data.folds import WHOLE
from bridle.data.preprocess import Preprocessing
from bridle.records import Task
from bridle.regularizers.augmenting import augment


def some_rows(dataset: Dataset, rows: NDArray[np.int64], seed: int, count: int) -> NDArray[np.int64]:
    """Up to ``count`` of ``rows``, drawn by ``seed``, from each class in turn."""
    order = torch.randperm(len(rows), generator=generator(seed, "samples")).numpy()
    shuffled: NDArray[np.int64] = rows[order]
    if dataset.layout.task is Task.REGRESSION:
        return shuffled[:count]
    classes = np.asarray(dataset.targets[shuffled])
    rank = np.empty(len(shuffled), dtype=np.int64)
    for number in np.unique(classes):
        place = np.flatnonzero(classes == number)
        rank[place] = np.arange(len(place))
    chosen: NDArray[np.int64] = shuffled[np.lexsort((classes, rank))][:count]
    return chosen


def original(dataset: Dataset, preprocessing: Preprocessing, rows: NDArray[np.int64]) -> Batch:
    """Some examples as a batch, before any augmentation."""
    layout = dataset.layout
    targets = torch.from_numpy(np.array(dataset.targets[rows]))
    if layout.task is Task.CLASSIFICATION:
        targets = torch.nn.functional.one_hot(targets, layout.outputs).float()
    else:
        targets = targets.float().reshape(-1, 1)
    return Batch(
        inputs=preprocessing.inputs(torch.from_numpy(np.array(dataset.inputs[rows]))),
        targets=targets,
        weights=torch.ones(len(rows)),
        examples=torch.from_numpy(rows),
        times=torch.zeros(len(rows), dtype=torch.int64),
        kind=layout.kind,
        continuous=preprocessing.continuous,
    )


def view(batch: Batch, recipe: Recipe, seed: int, epoch: int) -> Batch:
    """The batch as the network sees it in one epoch, counted from 0; with an expanded training set, in one copy."""
    progress = 0.0 if recipe.training.expand else min(epoch / recipe.training.epochs, 1.0)
    augmentations = [item.at(progress) for item in recipe.of(Augmentation)]
    at = Batch(**{**vars(batch), "times": torch.full_like(batch.times, epoch + 1)})
    return augment(at, augmentations, Draws(seed, WHOLE, epoch))


def pixels(image: Tensor) -> NDArray[Any]:
    """An image ``(channels, height, width)`` in [0, 1] as bytes ``(height, width)`` or ``(height, width, 3)``.

    One or two channels are shown as grey (the first of them), three or more as red, green and blue.
    """
    scaled = (image.clamp(0, 1) * 255).round().to(torch.uint8)
    return np.asarray(scaled[0] if len(scaled) < 3 else scaled[:3].permute(1, 2, 0))
