"""The examples of one fold, prepared by statistics of its training rows, ready to be gathered into batches."""

from collections.abc import Iterator
from dataclasses import replace
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridle.core import Batch, Training
from bridle.core.draws import generator
from bridle.data.dataset import Dataset
from bridle.data.preprocess import Preprocessing
from bridle.records import Kind, Task

RESIDENT = 256 * 2**20
"""Prepared inputs up to this many bytes are kept in memory; larger ones are prepared batch by batch."""


@final
class Examples:
    """Prepared examples by row number.

    Args:
        dataset: All rows.
        preprocessing: Fitted on the fold's training rows.
        device: Where batches are wanted.
        dtype: The type of inputs and targets, ``None`` for float32.
    """

    def __init__(
        self,
        dataset: Dataset,
        preprocessing: Preprocessing,
        device: torch.device,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.dataset, self.preprocessing, self.device = dataset, preprocessing, device
        self._dtype = dtype or torch.float32
        self.kind = dataset.layout.kind
        self._inputs: Tensor | None = None
        self.numbers = preprocessing.width if self.kind is Kind.TABLE else int(np.prod(dataset.layout.shape))
        if len(dataset) * self.numbers * 4 <= RESIDENT:
            self._inputs = torch.cat([self._prepare(block) for block in _blocks(len(dataset))])
        self._targets = preprocessing.targets(torch.from_numpy(np.array(dataset.targets))).to(device)
        classes = dataset.layout.task is Task.CLASSIFICATION
        self._units = torch.eye(dataset.layout.outputs, device=device, dtype=self._dtype) if classes else None
        if not classes:
            self._targets = self._targets.to(self._dtype)

    def _prepare(self, rows: NDArray[np.int64]) -> Tensor:
        raw = torch.from_numpy(np.array(self.dataset.inputs[rows]))
        return self.preprocessing.inputs(raw.to(self.device)).to(self._dtype)

    def inputs(self, rows: Tensor) -> Tensor:
        """Prepared inputs of some rows ``(B,)``: standardised table columns, or images in [0, 1]."""
        if self._inputs is not None:
            return self._inputs.index_select(0, rows)
        return self._prepare(rows.cpu().numpy())

    def targets(self, rows: Tensor) -> Tensor:
        """Targets of some rows for the loss: ``(B, C)`` rows that sum to 1, or ``(B, 1)`` standardised numbers."""
        picked = self._targets.index_select(0, rows)
        return picked if self._units is None else self._units.index_select(0, picked)


def _blocks(rows: int, size: int = 8192) -> Iterator[NDArray[np.int64]]:
    for start in range(0, rows, size):
        yield np.arange(start, min(start + size, rows), dtype=np.int64)


@final
class Batches:
    """The batches of one member: its training rows, shuffled anew each epoch by its own counted draws.

    Args:
        examples: The prepared examples.
        rows: The training rows.
        weights: ``(N,)`` weight of every row of the data set in the loss.
        training: Batch size, and the number of augmented copies where the training set is expanded.
        seed: The member's seed.
        fold: The number of the member's fold.

    Attributes:
        total: The examples of an epoch.
    """

    def __init__(
        self,
        examples: Examples,
        rows: NDArray[np.int64],
        weights: NDArray[np.float32],
        training: Training,
        seed: int,
        fold: int,
    ) -> None:
        self.examples, self._rows, self._training = examples, torch.from_numpy(rows), training
        self._seed, self._fold = seed, fold
        self._weights = torch.from_numpy(weights).to(examples.device)
        self.total = len(rows) * (1 + training.expand)

    @property
    def numbers(self) -> int:
        """How many numbers the inputs of one example are."""
        return self.examples.numbers

    @property
    def per_epoch(self) -> int:
        """Optimizer steps per epoch. A last batch of a single example is left out: batch statistics need two."""
        full, rest = divmod(self.total, self._training.batch_size)
        return max(full + (rest > 1), 1)

    def epoch(self, epoch: int, together: int = 1) -> Iterator[Batch]:
        """The batches of one epoch, ``together`` of them as one.

        With an expanded training set the originals are copy 0, and the number of a copy takes the place of the epoch
        in the draws.
        """
        order = torch.randperm(self.total, generator=generator(self._seed, self._fold, epoch, "order"))
        rows = self._rows[order % len(self._rows)].to(self.examples.device)
        copies = (order // len(self._rows)).to(self.examples.device)
        times = copies if self._training.expand else torch.full_like(copies, epoch + 1)
        used = self.per_epoch * self._training.batch_size
        size = together * self._training.batch_size
        for start in range(0, used, size):
            part = slice(start, min(start + size, used))
            yield self._batch(rows[part], times[part])

    def clean(self, size: int = 1024, some: NDArray[np.int64] | None = None) -> Iterator[tuple[Batch, float]]:
        """Every training row (or only some) once, in order and normalised, in batches with their share of the rows."""
        rows = (self._rows if some is None else torch.from_numpy(some)).to(self.examples.device)
        for part in rows.tensor_split(max(1, -(-len(rows) // size))):
            batch = self._batch(part, torch.zeros_like(part))
            normal = replace(batch, inputs=self.examples.preprocessing.normalise(batch.inputs))
            yield normal, len(part) / len(rows)

    def _batch(self, rows: Tensor, times: Tensor) -> Batch:
        return Batch(
            inputs=self.examples.inputs(rows),
            targets=self.examples.targets(rows),
            weights=self._weights.index_select(0, rows),
            examples=rows,
            times=times,
            kind=self.examples.kind,
            continuous=self.examples.preprocessing.continuous,
        )


def example_weights(dataset: Dataset, rows: NDArray[np.int64], training: Training) -> NDArray[np.float32]:
    """Every row's weight in the loss, mean 1 over ``rows``: the user's weights times the balance of the classes."""
    weights = np.ones(len(dataset)) if dataset.weights is None else dataset.weights.astype(np.float64)
    if training.class_weights == "balanced" and dataset.layout.task is Task.CLASSIFICATION:
        counts = np.bincount(dataset.targets[rows], weights=weights[rows], minlength=dataset.layout.outputs)
        weights = weights * (1.0 / np.maximum(counts, 1e-12))[dataset.targets]
    return np.asarray(weights / weights[rows].mean(), dtype=np.float32)
