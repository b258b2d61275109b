"""The clean scores of a pack: augmentation and noise off, averaged weights where there is averaging.

Legend of the axes: ``M`` members, ``B`` rows of a block.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridle.core import Averaging
from bridle.engine.evaluate import refresh_batch_norm
from bridle.engine.packs.batches import FILL, filled_up
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.section import Section
from bridle.engine.packs.slot import Slot
from bridle.population.losses import probabilities
from bridle.population.rows import select
from bridle.population.stack import Stack, Tensors
from bridle.records import Task

BLOCK = 256
"""Rows per forward pass of an evaluation, for each member."""


@final
class Scores:
    """What the members of a pack predict after an epoch.

    Args:
        kind: What the members have in common.
        rows: The member of each row.
        stack: Their weights.
        section: All of them.
    """

    def __init__(self, kind: Kind, rows: Sequence[Slot], stack: Stack, section: Section) -> None:
        self._kind, self._rows = kind, rows
        averaged = section.averaged(stack)
        live = stack.shown("weights") | stack.shown("frozen")
        self._weights: Tensors = {name: value.detach() for name, value in (averaged or live).items()}
        self._buffers = stack.parts["buffers"]
        if averaged is not None:
            self._buffers = self._refreshed()
        self._predicted: dict[tuple[int, str], NDArray[np.float64]] = {}
        for name in ("clean", "score", "watch"):
            self._predict(name)

    def take(self, slot: Slot) -> None:
        """Log a member's scores.

        Raises:
            Diverged: If a prediction is not finite.
        """
        for name in slot.course.rows:
            if (id(slot), name) in self._predicted:
                slot.course.score(name, self._predicted[id(slot), name])

    def kept(self, slot: Slot) -> dict[str, Tensor]:
        """A copy of the scored weights and buffers of a member, as its network names them."""
        row = self._rows.index(slot)
        parts = self._parts(row, self._buffers)
        return {name: value.clone().contiguous() for name, value in self._kind.state_dict(parts).items()}

    def _parts(self, row: int, buffers: Tensors) -> dict[str, Tensors]:
        weights = {name: value[row] for name, value in self._weights.items()}
        own = {name: value[row] for name, value in buffers.items()}
        return {"weights": weights, "frozen": weights, "buffers": own}

    def _refreshed(self) -> Tensors:
        """Batch-norm statistics of averaged weights, which were never live: recomputed, member by member."""
        buffers = {name: value.clone() for name, value in self._buffers.items()}
        if not self._kind.has_batch_norm:
            return buffers
        for row, slot in enumerate(self._rows):
            if slot.recipe.of(Averaging):
                network = self._kind.network(self._parts(row, buffers))
                refresh_batch_norm(network, slot.course.examples, slot.course.statistics_rows, _float32)
                for name, value in network.named_buffers():
                    buffers[name][row].copy_(value)
        return buffers

    def _predict(self, name: str) -> None:
        """Predict the rows of that name, for all members at once that have equally many."""
        sizes = defaultdict(list)
        for row, slot in enumerate(self._rows):
            if len(slot.course.rows[name]):
                sizes[len(slot.course.rows[name])].append(row)
        for rows in sizes.values():
            company = rows if len(rows) > 1 else rows * 2
            tensors = self._of(self._weights, company) | self._of(self._buffers, company)
            blocks = self._blocks([self._rows[row] for row in company], name)
            output = torch.cat([self._kind.outputs(tensors, block) for block in blocks], 1)
            output = output[:, : len(self._rows[rows[0]].course.rows[name])]
            for row, predicted in zip(rows, self._numbers(rows, output), strict=False):
                self._predicted[id(self._rows[row]), name] = predicted

    def _numbers(self, rows: Sequence[int], output: Tensor) -> list[NDArray[Any]]:
        if self._kind.setting.dataset.layout.task is Task.CLASSIFICATION:
            return list(probabilities(output).cpu().numpy())
        restored = [
            self._rows[row].course.examples.preprocessing.restore(own) for row, own in zip(rows, output, strict=False)
        ]
        return [own.double().reshape(-1).cpu().numpy() for own in restored]

    def _of(self, tensors: Tensors, rows: Sequence[int]) -> Tensors:
        if list(rows) == list(range(len(self._rows))):
            return tensors
        if rows[-1] - rows[0] + 1 == len(rows):
            return {name: value[rows[0] : rows[-1] + 1] for name, value in tensors.items()}
        index = torch.tensor(rows)
        return {name: select(value, index) for name, value in tensors.items()}

    def _blocks(self, slots: Sequence[Slot], name: str) -> list[Tensor]:
        """Normalised inputs ``(M, B, ...)``, gathered once for members of one fold; the last block is filled up."""
        folds = [(id(slot.course.examples), slot.course.rows[name].tobytes()) for slot in slots]
        kept = list(dict.fromkeys(folds))
        own = [slots[folds.index(fold)].course for fold in kept]
        index = torch.tensor([kept.index(fold) for fold in folds])
        found = []
        for start in range(0, len(own[0].rows[name]), BLOCK):
            parts = []
            for course in own:
                rows = torch.from_numpy(course.rows[name][start : start + BLOCK]).to(course.examples.device)
                inputs = course.examples.preprocessing.normalise(course.examples.inputs(rows))
                parts.append(filled_up(inputs, -(-len(rows) // FILL) * FILL))
            together = torch.stack(parts)
            found.append(together.index_select(0, index.to(together.device)) if len(kept) < len(slots) else together)
        return found


def _float32() -> Any:
    return torch.autocast("cpu", enabled=False)
