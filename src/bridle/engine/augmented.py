"""The batches of an epoch as the network sees them: augmented, and normalised after that."""

from collections.abc import Iterator
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Recipe
from bridle.engine.examples import Batches
from bridle.regularizers.augmenting import augment

AHEAD = 2**20
"""At most so many numbers are augmented in one call: many, since a call has its price; few, to stay in the cache."""


@final
class Augmented:
    """Batches augmented by a recipe.

    Augmentations that keep labels draw per example, so several batches are augmented in one call, which is four times
    faster on small images; one that mixes examples, or one whose dials move from step to step, acts batch by batch.

    Args:
        batches: The batches as they are.
        recipe: The recipe; nothing free in it.
        seed: The member's seed.
        fold: The number of the member's fold.
    """

    def __init__(self, batches: Batches, recipe: Recipe, seed: int, fold: int) -> None:
        self._batches, self._training = batches, recipe.training
        self._normalise = batches.examples.preprocessing.normalise
        self._augmentations = recipe.of(Augmentation)
        self._seed, self._fold = seed, fold
        self._steps = recipe.training.epochs * batches.per_epoch
        apart = any(not item.keeps_labels or item.moves for item in self._augmentations)
        self._together = 1 if apart else max(AHEAD // (batches.numbers * recipe.training.batch_size), 1)

    def epoch(self, epoch: int) -> Iterator[tuple[Batch, Draws, float]]:
        """Each batch with the draws of its step, and the share of the training that is done before it."""
        step = epoch * self._batches.per_epoch
        for several in self._batches.epoch(epoch, self._together):
            ready = self._ready(several, step)
            for batch in ready.split(self._training.batch_size):
                yield batch, Draws(self._seed, self._fold, step), step / self._steps
                step += 1

    def _ready(self, batch: Batch, step: int) -> Batch:
        if self._augmentations:
            moved = [item.at(step / self._steps) for item in self._augmentations]
            augmented = augment(batch, moved, Draws(self._seed, self._fold, step))
            batch = _only(batch.times > 0, augmented, batch) if self._training.expand else augmented
        return replace(batch, inputs=self._normalise(batch.inputs))


def _only(chosen: Tensor, changed: Batch, batch: Batch) -> Batch:
    """``changed`` where ``chosen``, else ``batch``: the originals of an expanded training set stay as they are."""

    def pick(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(chosen.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return replace(
        changed,
        inputs=pick(changed.inputs, batch.inputs),
        targets=pick(changed.targets, batch.targets),
        weights=pick(changed.weights, batch.weights),
    )
