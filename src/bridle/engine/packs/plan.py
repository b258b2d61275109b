"""Who trains with whom: members of one kind share packs where that is exact and pays, others train by themselves."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from bridle.core import StopRule
from bridle.engine.outcomes import finished
from bridle.engine.packs import modes
from bridle.engine.packs.kind import alone, signature
from bridle.engine.packs.probe import seconds_alone
from bridle.engine.packs.verdict import Verdict, verdict
from bridle.engine.setting import Setting
from bridle.population import Member, Task
from bridle.population.crew import START_SECONDS
from bridle.records import Mark

ASKED = "asked to"
"""Why members train by themselves where the job says so."""


def plan(members: Sequence[Member], setting: Setting, workers: int, *, apart: bool, running: bool) -> list[Task]:
    """Tasks for all members, the longest first; those that are finished come first of all.

    Args:
        members: The members.
        setting: What they share.
        workers: Processes that may train at once.
        apart: Whether each must train by itself.
        running: Whether workers are up already, so that short work is divided, too.

    Raises:
        BridleError: If a recipe does not fit the model.
    """
    done = [member for member in members if finished(member, setting) is not None]
    ended = {id(member) for member in done}
    kinds: dict[tuple[str, Hashable], list[Member]] = defaultdict(list)
    for member in members:
        if id(member) not in ended:
            kinds[_kind(member, setting, apart)].append(member)
    groups = [(group, _verdict(group, kind, setting, workers)) for kind, group in kinds.items()]
    total = sum(_seconds(group, found) for group, found in groups)
    processes = workers if running or total > START_SECONDS else 1
    tasks = [task for group, found in groups for task in _divided(group, found, processes)]
    tasks.sort(key=lambda task: -task.seconds)
    return [*([Task(tuple(done))] if done else []), *tasks]


def _kind(member: Member, setting: Setting, apart: bool) -> tuple[str, Hashable]:
    """Why a member trains by itself, or nothing; and its signature."""
    return ASKED if apart else alone(member.recipe), signature(member, setting)


def _verdict(group: Sequence[Member], kind: tuple[str, Hashable], setting: Setting, workers: int) -> Verdict:
    known: dict[Hashable, Verdict] = setting.verdicts
    reason, shared = kind
    which = (kind, group[0].recipe.training.batch_size)
    if which not in known:
        fullest = max(group, key=lambda member: len(member.recipe.regularizers))
        if reason:
            several = min(workers, len(group)) > 1
            known[which] = Verdict(False, reason, alone=seconds_alone(fullest, setting) if several else 0.0)
        else:
            known[which] = modes.read(setting, which) or verdict(fullest, setting, shared, workers)
        if reason != ASKED:
            modes.keep(setting, which, known[which])
    return known[which]


def _divided(group: Sequence[Member], found: Verdict, processes: int) -> Iterator[Task]:
    if not found.together:
        yield from (Task((member,), _seconds([member], found)) for member in group)
        return
    if any(member.recipe.of(StopRule) for member in group):  # whoever stops gives its place to the next
        count = processes
    else:
        count = processes * math.ceil(len(group) / (found.size * processes))
    count = min(count, max(1, len(group) // 2))
    for part in range(count):
        own = tuple(group[len(group) * part // count : len(group) * (part + 1) // count])
        yield Task(own, _seconds(own, found), found.size, found.spare, found.fills)


def _seconds(members: Sequence[Member], found: Verdict) -> float:
    """About how long the members take one process."""
    each = found.step if found.together else found.alone
    return sum(_steps(member) * each for member in members)


def _steps(member: Member) -> float:
    training = member.recipe.training
    rows = len(member.fold.rows(Mark.TRAIN)) * (1 + training.expand)
    return (member.until or member.last) * max(1.0, rows / training.batch_size)
