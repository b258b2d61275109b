"""Preprocessing: statistics of some rows only, applied to any rows, on any device."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridle.data.dataset import Dataset
from bridle.data.statistics import channel_moments, codes_seen, robust_columns, target_moments
from bridle.errors import RunError
from bridle.records import Kind, Layout, Task

BOUND = 3.0
"""Standardised numbers are bent smoothly into (-3, 3)."""

LARGEST = 1e9
"""Beyond this they are cut first: the square of a larger one would overflow."""

ARRAYS = ("centre", "scale", "seen", "target", "one_hot")


@final
@dataclass(frozen=True, eq=False)
class Preprocessing:
    """Raw rows to what a model sees, and model outputs back to the target's unit.

    A table's row becomes: each number ``z / sqrt(1 + (z / 3)^2)`` with ``z = (x - centre) / scale`` and 0 where it is
    missing (Holzmüller et al. 2024, "Better by default", RealMLP); one indicator (0 or 1) per column of the layout
    that has missing values; then category codes, 0 for a category not seen in the fitted rows, or one-hot columns of
    the codes seen. An image becomes numbers in [0, 1], and :meth:`normalise` standardises its channels after
    augmentation.

    Args:
        layout: The layout of the rows.
        centre: Median of each numeric column, or mean of each channel. float32.
        scale: Interquartile range of each numeric column as the standard deviation that a normal distribution would
            have, or standard deviation of each channel. float32.
        seen: For each code of each categorical column, one column after the other, whether the fitted rows hold it.
        target: Mean and standard deviation of a number to predict; 0 and 1 for classes. float64.
        one_hot: Whether categories become one-hot columns, for models that know nothing of codes.
    """

    layout: Layout
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    seen: NDArray[np.bool_]
    target: NDArray[np.float64]
    one_hot: bool = False
    _placed: dict[torch.device, dict[str, Tensor]] = field(default_factory=dict, repr=False)

    @property
    def continuous(self) -> int:
        """How many leading columns are standardised numbers."""
        return len(self.layout.numeric)

    @property
    def indicators(self) -> int:
        """How many columns after them say where a number was missing."""
        return sum(column.missing for column in self.layout.numeric)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """The number of codes of each categorical column; empty where they become one-hot columns."""
        return () if self.one_hot else _cardinalities(self.layout)

    @property
    def width(self) -> int:
        """How many columns of a table the model sees; for images the number of channels."""
        if self.layout.kind is Kind.IMAGE:
            return self.layout.shape[0]
        categories = int(self.seen.sum()) if self.one_hot else len(self.layout.categorical)
        return self.continuous + self.indicators + categories

    @property
    def sources(self) -> tuple[str, ...]:
        """For a table, the column that each input of the model comes from; a one-hot column names it once per code."""
        numbers = [column.name for column in self.layout.numeric]
        flags = [column.name for column in self.layout.numeric if column.missing]
        if not self.one_hot:
            return (*numbers, *flags, *(column.name for column in self.layout.categorical))
        per_code = np.repeat([column.name for column in self.layout.categorical], _cardinalities(self.layout))
        return (*numbers, *flags, *per_code[self.seen].tolist())

    def inputs(self, raw: Tensor) -> Tensor:
        """Stored rows ``(B, ...)`` as float32: a table ready for the model, images in [0, 1]."""
        if self.layout.kind is Kind.IMAGE:
            return (raw.float() - self.layout.low) / (self.layout.high - self.layout.low)
        placed, count = self._on(raw.device), self.continuous
        numbers = raw[:, :count].float()
        z = ((numbers - placed["centre"]) * placed["inverse"]).nan_to_num_(0.0).clamp_(-LARGEST, LARGEST)
        parts = [z * torch.addcmul(placed["one"], z, z, value=BOUND**-2).rsqrt_()]
        if self.indicators:
            parts.append(numbers[:, placed["flagged"]].isnan())
        if self.layout.categorical:
            codes = placed["slots"][raw[:, count:].long() + placed["offsets"]]
            parts.append(self._columns(codes) if self.one_hot else codes)
        return torch.cat(parts, 1)

    def _columns(self, slots: Tensor) -> Tensor:
        """One-hot columns from their numbers; a code without a column has the number after the last."""
        count = int(self.seen.sum())
        return slots.new_zeros(len(slots), count + 1).scatter_(1, slots.long(), 1.0)[:, :count]

    def normalise(self, images: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [0, 1] with each channel standardised; a table as it is."""
        if self.layout.kind is Kind.TABLE:
            return images
        placed = self._on(images.device)
        return (images - placed["centre"].view(-1, 1, 1)) * placed["inverse"].view(-1, 1, 1)

    def targets(self, targets: Tensor) -> Tensor:
        """Codes of classes as they are, int64; numbers standardised, ``(B, 1)`` float32."""
        if self.layout.task is Task.CLASSIFICATION:
            return targets.long()
        return ((targets - float(self.target[0])) / float(self.target[1])).float().reshape(-1, 1)

    def restore(self, outputs: Tensor) -> Tensor:
        """Outputs in the target's unit (float64 where the device has it); for classes as they are."""
        if self.layout.task is Task.CLASSIFICATION:
            return outputs
        wide = outputs if outputs.device.type == "mps" else outputs.double()
        return wide * float(self.target[1]) + float(self.target[0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All that was fitted, by name; :meth:`from_arrays` is the exact inverse."""
        return {name: np.atleast_1d(np.asarray(getattr(self, name))) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, layout: Layout, arrays: Mapping[str, NDArray[Any]]) -> "Preprocessing":
        """The preprocessing that :meth:`to_arrays` gave.

        Raises:
            RunError: If an array is missing or does not fit the layout.
        """
        numbers = layout.shape[0] if layout.kind is Kind.IMAGE else len(layout.numeric)
        expected = {"centre": numbers, "scale": numbers, "seen": sum(_cardinalities(layout)), "target": 2, "one_hot": 1}
        for name, length in expected.items():
            shape = np.shape(arrays[name]) if name in arrays else None
            if shape != (length,):
                raise RunError(
                    f"The stored preprocessing needs an array {name!r} of shape ({length},); got {shape}. The file was "
                    "changed by hand or belongs to another run."
                )
        return cls(
            layout,
            np.asarray(arrays["centre"], np.float32),
            np.asarray(arrays["scale"], np.float32),
            np.asarray(arrays["seen"], np.bool_),
            np.asarray(arrays["target"], np.float64),
            bool(arrays["one_hot"][0]),
        )

    def _on(self, device: torch.device) -> dict[str, Tensor]:
        if device not in self._placed:
            self._placed[device] = {name: torch.from_numpy(array).to(device) for name, array in self._tables().items()}
        return self._placed[device]

    def _tables(self) -> dict[str, NDArray[Any]]:
        cardinalities = _cardinalities(self.layout)
        offsets = np.cumsum([0, *cardinalities])[:-1].astype(np.int64)
        if self.one_hot:
            slots = np.where(self.seen, np.cumsum(self.seen) - 1, self.seen.sum())
        else:
            own = [np.arange(count) for count in cardinalities]
            slots = np.where(self.seen, np.concatenate([np.zeros(0, np.int64), *own]), 0)
        return {
            "one": np.ones(1, np.float32),
            "centre": np.array(self.centre),
            "inverse": np.float32(1) / self.scale,
            "flagged": np.flatnonzero([column.missing for column in self.layout.numeric]),
            "offsets": offsets,
            "slots": slots.astype(np.float32),
        }


def _cardinalities(layout: Layout) -> tuple[int, ...]:
    return tuple(len(column.categories or ()) + 2 for column in layout.categorical)


def fit(dataset: Dataset, rows: NDArray[np.int64], *, one_hot: bool = False) -> Preprocessing:
    """The preprocessing that is fitted on some rows, and on nothing else.

    Args:
        dataset: All rows.
        rows: The row numbers to look at: a fold's training rows.
        one_hot: Whether categories become one-hot columns.
    """
    layout = dataset.layout
    if layout.kind is Kind.IMAGE:
        centre, scale = channel_moments(dataset.inputs, rows, layout.low, layout.high)
        seen = np.zeros(0, dtype=np.bool_)
    else:
        centre, scale = robust_columns(dataset.inputs, rows, len(layout.numeric))
        seen = codes_seen(dataset.inputs, rows, _cardinalities(layout))
    return Preprocessing(layout, centre, scale, seen, target_moments(dataset, rows), one_hot)
