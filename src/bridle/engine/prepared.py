"""The prepared examples of each fold, made once per process."""

from collections import OrderedDict
from typing import final

import torch

from bridle.data.dataset import Dataset
from bridle.data.preprocess import fit
from bridle.engine.examples import RESIDENT, Examples
from bridle.records import Fold, Mark


@final
class Prepared:
    """Examples by fold, the most recent ones kept, of about :data:`~bridle.engine.examples.RESIDENT` bytes together.

    Args:
        dataset: All rows.
        device: Where batches are wanted.
        dtype: The type of the inputs, ``None`` for float32.
    """

    def __init__(self, dataset: Dataset, device: torch.device, dtype: torch.dtype | None = None) -> None:
        self._dataset, self._device, self._dtype = dataset, device, dtype
        self._made: OrderedDict[tuple[str, bool], Examples] = OrderedDict()
        size = len(dataset) * 4 * max(int(torch.Size(dataset.layout.shape).numel()), 1)
        self._most = max(1, min(16, RESIDENT // max(size, 1)))

    def __call__(self, fold: Fold, *, one_hot: bool) -> Examples:
        """The examples prepared by statistics of the fold's training rows."""
        key = (fold.digest, one_hot)
        if key not in self._made:
            while len(self._made) >= self._most:
                self._made.popitem(last=False)
            preprocessing = fit(self._dataset, fold.rows(Mark.TRAIN), one_hot=one_hot)
            self._made[key] = Examples(self._dataset, preprocessing, self._device, self._dtype)
        self._made.move_to_end(key)
        return self._made[key]
