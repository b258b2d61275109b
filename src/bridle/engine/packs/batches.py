"""The batches of a pack: those of each member, gathered once for members that share them.

Legend of the axes: ``M`` members, ``B`` batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from bridle.core import Batch, Draws
from bridle.engine.packs.slot import Slot
from bridle.population.optimize import runs

FILL = 16
"""Batches of a multiple of so many examples put every member's outputs at a multiple of 64 bytes: the last bits of
matrix products depend on that."""


@final
@dataclass(frozen=True, eq=False)
class PackBatch:
    """A batch for each of some members, all of one size.

    Args:
        inputs: ``(M, B, ...)``.
        targets: ``(M, B, C)`` or ``(M, B, 1)``.
        weights: ``(M, B)``, zero for rows that only fill up.
        counts: How many of the B rows are examples, for each member.
        examples: The same as a tensor, ``(M,)``.
        draws: Each member's draws of this step.
        progress: Each member's share of its training that is done.
        full: Whether it is as large as the members' batches are, not a rest: that is the one size to compile for.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    counts: Sequence[int]
    examples: Tensor
    draws: Sequence[Draws]
    progress: Sequence[float]
    full: bool = False

    def take(self, rows: Sequence[int]) -> "PackBatch":
        """Some rows, in that order; a row may be asked twice."""
        index = torch.tensor(rows, device=self.inputs.device)
        return PackBatch(
            self.inputs.index_select(0, index),
            self.targets.index_select(0, index),
            self.weights.index_select(0, index),
            [self.counts[row] for row in rows],
            self.examples.index_select(0, index),
            [self.draws[row] for row in rows],
            [self.progress[row] for row in rows],
            self.full,
        )


@final
class Feed:
    """The batches of one epoch, step by step; members of the same stream are given the same.

    Args:
        slots: The member of each row, those with more batches first.
        fill: Batches are filled up to a multiple of this, with rows that weigh nothing; 1 where the examples of a
            batch meet in the network (batch normalisation), so that every row counts.
    """

    def __init__(self, slots: Sequence[Slot], fill: int) -> None:
        self._slots, self._fill = slots, fill
        self._streams = {slot.stream: slot.course.augmented.epoch(slot.course.epoch) for slot in reversed(slots)}
        self._steps = [slot.course.batches.per_epoch for slot in slots]

    def __iter__(self) -> Iterator[list[tuple[int, int, PackBatch]]]:
        """For each step the runs of rows whose batches have one size, as (start, end, batch)."""
        for step in range(max(self._steps)):
            count = sum(steps > step for steps in self._steps)
            now = {stream: next(self._streams[stream]) for stream in {slot.stream for slot in self._slots[:count]}}
            sizes = [self._size(slot, now[slot.stream][0]) for slot in self._slots[:count]]
            yield [(start, end, self._batch(start, end, now, full)) for start, end, (_, full) in runs(sizes)]

    def _size(self, slot: Slot, batch: Batch) -> tuple[int, bool]:
        """The size of a member's batch once it is filled up, and whether that is the member's full one."""
        size = self._filled(batch)
        return size, size >= slot.recipe.training.batch_size and not size % FILL

    def _batch(self, start: int, end: int, now: dict[object, tuple[Batch, Draws, float]], full: bool) -> PackBatch:
        streams = [slot.stream for slot in self._slots[start:end]]
        kept = list(dict.fromkeys(streams))
        found = [now[stream][0] for stream in kept]
        index = torch.tensor([kept.index(stream) for stream in streams], device=found[0].inputs.device)

        size = self._filled(found[0])
        counts = [len(now[stream][0].examples) for stream in streams]

        def together(tensors: list[Tensor]) -> Tensor:
            stacked = torch.stack([filled_up(tensor, size) for tensor in tensors])
            return stacked if len(kept) == len(streams) else stacked.index_select(0, index)

        weights = together([batch.weights for batch in found])
        for row, count in enumerate(counts):
            if count < size:
                weights[row, count:] = 0
        return PackBatch(
            together([batch.inputs for batch in found]),
            together([batch.targets for batch in found]),
            weights,
            counts,
            torch.tensor(counts, device=weights.device),
            [now[stream][1] for stream in streams],
            [now[stream][2] for stream in streams],
            full,
        )

    def _filled(self, batch: Batch) -> int:
        """The size of a batch once it is filled up."""
        return -(-len(batch.examples) // self._fill) * self._fill


def filled_up(tensor: Tensor, size: int) -> Tensor:
    """A batch filled up with its first example."""
    extra = size - len(tensor)
    return torch.cat([tensor, tensor[:1].expand(extra, *tensor.shape[1:])]) if extra else tensor
