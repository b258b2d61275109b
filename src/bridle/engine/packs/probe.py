"""Whether a kind of members can share a pack, and whether that pays: tried out, not guessed.

A handful of rows in float64 shows whether members in a pack become what they become by themselves; the same in float32
whether their bits depend on who is beside them. A few steps of the real batches show what is faster.
"""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from bridle.core import Averaging, StopRule
from bridle.engine.member import MemberTraining
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.pack import Pack
from bridle.engine.process import flushed
from bridle.engine.setting import Setting
from bridle.population import Member
from bridle.records import Fold, Mark

BATCH = 7
"""Examples per step of the trials in float64."""
REST = 5
"""Examples in the last batch of a trial: odd, so that vectors have rests."""
TOLERANCE = 1e-8
"""How far a member in a pack may be from the same by itself, in float64."""
TIMED = 4
"""Steps that are timed; the fastest counts."""


def differs(member: Member, setting: Setting, *, fills: bool) -> str:
    """Why members of this kind cannot share a pack, in words; empty where they can."""
    members, small = _handful(member, replace(setting, dtype=torch.float64), 2, BATCH)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            together = _packed(members, small, fills=fills)
    except Exception as error:  # whatever torch or the user's code says: then they train by themselves
        return f"its network cannot be stacked ({type(error).__name__}: {str(error).strip().splitlines()[0][:120]})"
    if any("performance drop" in str(warning.message) for warning in caught):
        return "torch would call a part of its network one member at a time"
    for one, weights in zip(members, together, strict=True):
        training = MemberTraining(one, small)
        training.train_epoch()
        for name, expected in training.weights().items():
            gap = (weights[name] - expected).abs().max() if expected.numel() else torch.zeros(())
            if not float(gap) <= TOLERANCE * max(1.0, float(expected.abs().max()) if expected.numel() else 1.0):
                return f"stacked, it becomes something else: {name} is {float(gap):.1e} away after three steps"
    return ""


def needs_spare(member: Member, setting: Setting, *, fills: bool) -> bool | None:
    """Whether bits are the same in any company only with a spare row; ``None`` where not even then."""
    members, small = _handful(member, setting, 5, member.recipe.training.batch_size)
    for spare in (False, True):
        five = _packed(members, small, fills=fills, spare=spare)
        two = _packed([members[4], members[2]], small, fills=fills, spare=spare)
        one = _packed([members[3]], small, fills=fills, spare=spare)
        pairs = [(five[4], two[0]), (five[2], two[1]), (five[3], one[0])]
        if all(torch.equal(mine[name], other[name]) for mine, other in pairs for name in mine):
            return spare
    return None


def seconds_alone(member: Member, setting: Setting) -> float:
    """How long one step of a member by itself takes."""
    training = MemberTraining(member, setting)
    training.model.train()
    steps = training.augmented.epoch(0)

    def step() -> None:
        training.step(*next(steps))

    return _fastest(step, training.batches.per_epoch, setting.device)


def seconds_together(member: Member, setting: Setting, size: int, *, fills: bool) -> float:
    """How long one step of a pack takes."""
    pack = Pack(setting, Kind(member, setting), len(member.recipe.of(Averaging)), fills=fills)
    for _ in range(size):
        pack.join(member)
    pack.arrange()
    feed = iter(pack.feed())

    def step() -> None:
        for start, end, batch in next(feed):
            pack.step(start, end, batch)

    return _fastest(step, pack.slots[0].course.batches.per_epoch, setting.device)


def bytes_each(member: Member, setting: Setting) -> int:
    """What one member takes in memory: weights, gradients and moments, and what the backward pass keeps."""
    training = MemberTraining(member, setting)
    own = {weight.data_ptr(): weight.numel() * weight.element_size() for weight in training.model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    batch, draws, progress = next(iter(training.augmented.epoch(0)))
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        training.step(batch, draws, progress)
    saved = sum(size for pointer, size in kept.items() if pointer not in own)
    return 4 * sum(own.values()) + 2 * saved


def _fastest(step: Callable[[], None], steps: int, device: torch.device) -> float:
    found = []
    with flushed():
        for _ in islice(range(steps), TIMED + 1):
            began = time.perf_counter()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            found.append(time.perf_counter() - began)
    return min(found)


def _packed(
    members: Sequence[Member], setting: Setting, *, fills: bool, spare: bool = False
) -> list[dict[str, Tensor]]:
    """The weights of members after an epoch in a pack, in their order."""
    averages = len(members[0].recipe.of(Averaging))
    pack = Pack(setting, Kind(members[0], setting), averages, spare=spare, fills=fills)
    slots = [pack.join(member) for member in members]
    pack.arrange()
    with flushed():
        pack.train_epoch()
    for slot in slots:
        if slot.failure:
            raise slot.failure
    return [pack.weights(slot) for slot in slots]


def _handful(member: Member, setting: Setting, count: int, batch: int) -> tuple[list[Member], Setting]:
    """Members that differ in fold, seed and learning rate, and the few rows that they train on."""
    rows = member.fold.rows(Mark.TRAIN)[: 2 * batch + REST + count]
    training = member.recipe.training
    batch = max(2, min(batch, (len(rows) - count) // 2))
    recipe = member.recipe.replace(without=StopRule)
    members = []
    for number in range(count):
        marks = np.full(len(rows), Mark.TRAIN, dtype=np.int8)
        marks[number : number + count] = Mark.SCORE
        rate = training.learning_rate * (1 + number % 3)
        own = training.replace(epochs=1, stop_after=0, batch_size=batch, learning_rate=rate, expand=0, closing=0)
        members.append(Member(number, recipe.replace(training=own), Fold(number, marks), number, member.floor))
    return members, replace(setting, dataset=setting.dataset.take(rows), folder=None)
