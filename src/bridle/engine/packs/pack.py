"""A pack: members in training together, an epoch at a time.

Legend of the axes: ``M`` members.
"""

from typing import Any, final

import torch
from torch import Tensor

from bridle.engine.course import Course, Diverged
from bridle.engine.optimizers import learning_rate
from bridle.engine.packs.batches import FILL, Feed, PackBatch
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.scores import Scores
from bridle.engine.packs.section import Section
from bridle.engine.packs.slot import Slot
from bridle.engine.packs.states import fresh, from_checkpoint, to_checkpoint
from bridle.engine.setting import Setting
from bridle.population import Member
from bridle.population.stack import Stack


@final
class Pack:
    """Members of one kind, stacked.

    A pack of one has a second, equal row, and where the kind asks for it every pack has a spare one at its end: alone,
    or in the last places of a vector, torch computes by other instructions.

    Args:
        setting: What all members share.
        kind: What these have in common.
        averages: How many averages of the weights a member may have.
        spare: Whether the last member always has a second row.
        fills: Whether batches may be filled up with rows that weigh nothing.

    Attributes:
        slots: The members.
        rows: The member of each row.
    """

    def __init__(
        self, setting: Setting, kind: Kind, averages: int = 0, *, spare: bool = False, fills: bool = True
    ) -> None:
        self._setting, self.kind, self._averages, self._spare = setting, kind, averages, spare
        self._fill = FILL if fills else 1
        self.slots: list[Slot] = []
        self.rows: list[Slot] = []
        self._sections: dict[tuple[int, int], Section] = {}
        self._stack = Stack({}, {}, kind.transposed)

    def join(self, member: Member, checkpoint: tuple[dict[str, Tensor], dict[str, Any]] | None = None) -> Slot:
        """Make a member ready, from its checkpoint where there is one; :meth:`arrange` gives it its row.

        Raises:
            BridleError: If its recipe does not fit the network.
        """
        slot = Slot(Course(member, self._setting), self.kind.bound(member.recipe))
        slot.parts = (
            from_checkpoint(self.kind, slot, self._averages, *checkpoint)
            if checkpoint
            else fresh(self.kind, slot, self._averages)
        )
        self.slots.append(slot)
        return slot

    def arrange(self) -> None:
        """Give every slot its row, in order; slots that were taken out of the list lose theirs."""
        places = {id(slot): row for row, slot in reversed(list(enumerate(self.rows)))}
        staying = [slot for slot in self.slots if slot.parts is None]
        coming = [slot for slot in self.slots if slot.parts is not None]
        stacks = [self._stack.take([places[id(slot)] for slot in staying])] if staying else []
        if coming:
            stacks.append(Stack.of([slot.parts for slot in coming if slot.parts], self.kind.transposed))
        for slot in coming:
            slot.parts = None
        self.slots.sort(key=lambda slot: slot.order)
        self.rows = [*self.slots, *(self.slots[-1:] if self._spare or len(self.slots) == 1 else [])]
        together = [*staying, *coming]
        self._stack = Stack.joined(stacks).take([together.index(slot) for slot in self.rows])
        self._sections.clear()

    def train_epoch(self) -> None:
        """Train every member for one epoch and take its clean scores; what went wrong is noted in its slot."""
        for slot in self.slots:
            slot.total, slot.examples = 0.0, 0
        for runs in self.feed():
            for start, end, batch in runs:
                losses = self.step(start, end, batch).tolist()
                self._note(start, end, losses, batch)
        self._log()
        scores = Scores(self.kind, self.rows, self._stack, self._section(0, len(self.rows)))
        for slot in self.slots:
            if slot.failure is None:
                try:
                    scores.take(slot)
                except Diverged as error:
                    slot.failure = error
        for slot in self.slots:
            if slot.failure is None and slot.course.end_epoch() and slot.course.member.keep:
                slot.best = scores.kept(slot)
        self._scores = scores

    def feed(self) -> Feed:
        """The batches of the next epoch."""
        return Feed(self.rows, self._fill)

    def step(self, start: int, end: int, batch: PackBatch) -> Tensor:
        """Train the rows from ``start`` to ``end`` on a batch; give their data losses."""
        if batch.inputs.shape[1] % FILL:
            return torch.cat([self._apart(row, row + 1, start, batch) for row in range(start, end)])
        if end - start > 1 and (end == len(self.rows) or not self._spare):
            return self._section(start, end).step(self._stack.view(start, end), batch)
        return self._apart(start, end, start, batch)

    def _apart(self, start: int, end: int, first: int, batch: PackBatch) -> Tensor:
        """Train some rows as a pack of their own, the last of them twice."""
        rows = [*range(start, end), end - 1]
        company = self._stack.take(rows)
        own = batch.take([row - first for row in rows])
        losses = Section([self.rows[row] for row in rows], self.kind).step(company, own)
        self._stack.put(start, company, end - start)
        return losses[: end - start]

    def _section(self, start: int, end: int) -> Section:
        if (start, end) not in self._sections:
            self._sections[start, end] = Section(self.rows[start:end], self.kind)
        return self._sections[start, end]

    def _note(self, start: int, end: int, losses: list[float], batch: PackBatch) -> None:
        for row in range(start, min(end, len(self.slots))):
            self.rows[row].note(losses[row - start], batch.counts[row - start], batch.draws[row - start].step)

    def _log(self) -> None:
        progress = [slot.last_step / slot.course.steps for slot in self.rows]
        penalties = self._section(0, len(self.rows)).penalties.values(self._stack.shown("weights"), progress)
        for row, slot in enumerate(self.slots):
            if slot.failure is None:
                slot.course.log("data_loss", slot.total / slot.examples)
                rate = learning_rate(slot.recipe.training, slot.last_step, slot.course.steps)
                slot.course.log("learning_rate", rate)
                if slot.bound.penalties.scopes:
                    slot.course.log("penalty", float(penalties[row]))

    def weights(self, slot: Slot) -> dict[str, Tensor]:
        """The weights and buffers to keep of a member: of its best watched epoch, or the (averaged) last ones."""
        return slot.best or self._scores.kept(slot)

    def state(self, slot: Slot) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """A member's checkpoint."""
        return to_checkpoint(self.kind, slot, self._stack.member(self.rows.index(slot)))
