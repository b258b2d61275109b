"""Train many members of one kind in packs, from their checkpoints where there are some."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from bridle.core import Averaging
from bridle.engine import checkpoint
from bridle.engine.course import Diverged
from bridle.engine.member import MemberTraining
from bridle.engine.outcomes import diverged_outcome, file_of, keep, trained_outcome
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.pack import Pack
from bridle.engine.packs.slot import Slot
from bridle.engine.process import flushed
from bridle.engine.setting import Setting
from bridle.engine.train import damaged, train
from bridle.errors import BridleError
from bridle.population import Member
from bridle.records import Finding, Outcome, Severity

CHECKPOINT_SECONDS = 20.0
"""How much work is lost at most where a process is killed: checkpoints cost time."""


def train_together(
    members: Sequence[Member], setting: Setting, *, size: int, spare: bool = False, fills: bool = True
) -> Iterator[tuple[Member, Outcome]]:
    """Train members of one kind, at most ``size`` at a time, and give each outcome as it comes.

    A member that ends before the others gives its place to the next. Each becomes what it would become in any other
    company. Where memory runs out a pack is split; where the user's own code raises an error the members of the pack
    train by themselves, so that the error ends only the one that it belongs to.

    Args:
        members: Members that share a signature, none of them finished.
        setting: What they share.
        size: The largest pack.
        spare: Whether packs need a spare row.
        fills: Whether batches may be filled up with rows that weigh nothing.

    Raises:
        BridleError: If a recipe does not fit the model, or the disk is full.
    """
    waiting = deque(members)
    run = _Run(setting, Kind(members[0], setting, size), size, spare, fills, waiting)
    try:
        with flushed():
            yield from run.train()
    except BridleError:
        raise
    except (MemoryError, RuntimeError) as error:
        left = run.left()
        if not _is_memory(error) or len(left) == 1:
            yield from _by_themselves(left, setting)
            return
        del run
        half = -(-len(left) // 2)
        for part in (left[:half], left[half:]):
            yield from train_together(part, setting, size=min(half, size), spare=spare, fills=fills)
    except Exception:  # the user's model or loss may raise anything
        yield from _by_themselves(run.left(), setting)


def _not_compiled(reason: str) -> Finding:
    message = f"The step could not be compiled, so packs trained without that. {reason}"
    return Finding("not_compiled", Severity.WARNING, message)


def _by_themselves(members: Sequence[Member], setting: Setting) -> Iterator[tuple[Member, Outcome]]:
    for member in members:
        yield member, train(member, setting)


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "not enough memory" in str(error)


@final
@dataclass(eq=False)
class _Run:
    """A pack with the members that wait for a place in it."""

    setting: Setting
    kind: Kind
    size: int
    spare: bool
    fills: bool
    waiting: deque[Member]
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        averages = max(len(member.recipe.of(Averaging)) for member in self.waiting)
        self._pack = Pack(self.setting, self.kind, averages, spare=self.spare, fills=self.fills)
        self._saved = time.perf_counter()

    def left(self) -> list[Member]:
        """The members that have not ended."""
        return [*(slot.course.member for slot in self._pack.slots), *self.waiting]

    def train(self) -> Iterator[tuple[Member, Outcome]]:
        """Train until nobody is left."""
        spent, changed = 0.0, self._fill()
        while self._pack.slots:
            began = time.perf_counter()
            if changed:
                self._pack.arrange()
            self._pack.train_epoch()
            spent = (time.perf_counter() - began) / len(self._pack.slots)
            for slot in self._pack.slots:
                slot.seconds += spent
            ended = [slot for slot in self._pack.slots if slot.failure or slot.course.rests]
            for slot in ended:
                outcome = self._end(slot)
                self._pack.slots.remove(slot)
                yield slot.course.member, outcome
            changed = self._fill() or bool(ended)
            self._save()

    def _fill(self) -> bool:
        """Give free places to waiting members."""
        came = False
        while self.waiting and len(self._pack.slots) < self.size:
            self._join(self.waiting[0])
            self.waiting.popleft()
            came = True
        return came

    def _join(self, member: Member) -> None:
        file = file_of(member, self.setting, ".checkpoint")
        if file is not None and file.exists():
            try:
                self._pack.join(member, checkpoint.read(file))
                return
            except Exception as error:  # whatever is wrong with it: training from the start gives the same weights
                self.findings[member.name] = [damaged(file, error)]
        self._pack.join(member)

    def _save(self) -> None:
        if self.setting.folder is not None and time.perf_counter() - self._saved > CHECKPOINT_SECONDS:
            for slot in self._pack.slots:
                if slot.course.epoch:
                    self._write(slot)
            self._saved = time.perf_counter()

    def _write(self, slot: Slot) -> None:
        file = file_of(slot.course.member, self.setting, ".checkpoint")
        if file is not None:
            checkpoint.write(file, *self._pack.state(slot))

    def _end(self, slot: Slot) -> Outcome:
        member, findings = slot.course.member, self.findings.get(slot.course.member.name, [])
        if self.kind.compiled is not None and self.kind.compiled.refused:
            findings = [*findings, _not_compiled(self.kind.compiled.refused)]
        weights: Callable[[], dict[str, Tensor]] = dict
        if isinstance(slot.failure, Diverged):
            outcome = diverged_outcome(
                member, slot.course, slot.failure, findings=tuple(findings), seconds=slot.seconds
            )
        else:
            residual = None
            if member.keep and slot.course.finished:
                training = self._closed(slot)
                residual, findings, weights = training.close(), [*findings, *training.findings], training.weights
            outcome = trained_outcome(slot.course, residual=residual, findings=tuple(findings), seconds=slot.seconds)
            if not slot.course.finished:
                self._write(slot)
        keep(member, self.setting, outcome, slot.course, weights)
        return outcome

    def _closed(self, slot: Slot) -> MemberTraining:
        """The training of a member by itself, at the weights with which it ended here."""
        training = MemberTraining(slot.course.member, self.setting)
        training.finish(self._pack.weights(slot))
        return training
