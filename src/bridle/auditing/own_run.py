"""What the checks know of a training of Bridle's own, beside its step."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridle.core import Recipe
from bridle.data.dataset import Dataset
from bridle.data.preprocess import Preprocessing
from bridle.records import Candidate, Kind

MOST = 256 * 2**20
"""Bytes of a side that are compared at most: evenly spaced rows of larger data."""
BLOCK = 1024
"""Rows in one piece."""


@final
class SomeRows:
    """Rows in blocks, inputs and targets, as often as it is read: pictures as stored, tables as they are trained on.

    Args:
        dataset: Holds the rows.
        rows: Which.
        preprocessing: Standardises a table's columns, so that none outweighs the others.
    """

    def __init__(self, dataset: Dataset, rows: NDArray[np.int64], preprocessing: Preprocessing) -> None:
        size = max(int(np.prod(dataset.layout.shape)) * dataset.inputs.dtype.itemsize, 1)
        most = max(MOST // size, 1)
        self._rows = rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
        self._dataset, self._preprocessing = dataset, preprocessing

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(self._rows), BLOCK):
            rows = self._rows[start : start + BLOCK]
            raw = torch.from_numpy(np.array(self._dataset.inputs[rows]))
            inputs = raw if self._dataset.layout.kind is Kind.IMAGE else self._preprocessing.inputs(raw)
            yield inputs, torch.from_numpy(np.array(self._dataset.targets[rows]))


@final
@dataclass(frozen=True, eq=False)
class OwnRun:
    """A training of Bridle's own.

    Args:
        recipe: Its recipe, nothing free in it.
        metric: The name of the metric that chose.
        steps: The optimizer steps that it took.
        sizes: The Euclidean norm of each parameter before the first step, by name.
        own_model: Whether the network is the user's own, not the default.
        coded: Whether columns of the rows are categories: rows of few codes are often nearly alike.
        candidates: What the search tried; empty where nothing was free.
        training: Its training rows in blocks, inputs and targets.
        test: The test rows likewise, ``None`` where nothing is sealed.
    """

    recipe: Recipe
    metric: str
    steps: int
    sizes: Mapping[str, float]
    own_model: bool = False
    coded: bool = False
    candidates: tuple[Candidate, ...] = ()
    training: Iterable[tuple[Tensor, Tensor]] | None = None
    test: Iterable[tuple[Tensor, Tensor]] | None = None
