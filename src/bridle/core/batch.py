"""One batch on its way through a training step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

from torch import Tensor

from bridle.records import Kind


@final
@dataclass(frozen=True, eq=False)
class Batch:
    """Examples, targets and weights, with what is needed to key each example's draws.

    Args:
        inputs: ``(B, columns)`` for a table, ``(B, channels, height, width)`` in [0, 1] for images.
        targets: ``(B, C)`` rows that sum to 1 for classes, ``(B, 1)`` for a number.
        weights: ``(B,)`` non-negative weights of the examples in the loss, mean 1 over the training rows.
        examples: ``(B,)`` int64 row numbers in the data set.
        times: ``(B,)`` int64, the epoch, or the number of the copy where the training set is expanded.
        kind: What the inputs are.
        continuous: For a table, how many leading columns are standardised numbers (not indicators, not categories).
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    examples: Tensor
    times: Tensor
    kind: Kind
    continuous: int = 0

    def split(self, size: int) -> "Iterator[Batch]":
        """Its examples in order, ``size`` at a time."""
        for start in range(0, len(self.examples), size):
            part = slice(start, start + size)
            yield replace(
                self,
                inputs=self.inputs[part],
                targets=self.targets[part],
                weights=self.weights[part],
                examples=self.examples[part],
                times=self.times[part],
            )
