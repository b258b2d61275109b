"""How members of a kind train on this machine: found out once, kept in the cache folder.

A verdict that was found before is taken again, so that the same job gives the same result in spite of timings that
fluctuate. It is found anew for another machine, another torch, another network (its source counts) or batch size.
"""

import hashlib
import inspect
import json
import platform
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch import nn

from bridle.data.room import cache_folder
from bridle.engine import checkpoint
from bridle.engine.packs import probe
from bridle.engine.packs.kind import Kind
from bridle.engine.process import processor
from bridle.engine.setting import Setting
from bridle.errors import StorageError
from bridle.population import Member
from bridle.population.sizing import largest_pack, trial_size

FASTER = 1.0
"""A pack is used where its step takes less than this many times that of its members by themselves."""


@final
@dataclass(frozen=True)
class Verdict:
    """How members of one kind train.

    Args:
        together: Whether they train in packs.
        reason: Why not.
        size: The largest pack.
        spare: Whether packs need a spare row for the same bits in any company.
        fills: Whether their batches may be filled up with rows that weigh nothing.
        alone: Seconds of one member's step by itself.
        step: Seconds of one member's step in its pack.
    """

    together: bool
    reason: str = ""
    size: int = 1
    spare: bool = False
    fills: bool = True
    alone: float = 0.0
    step: float = 0.0


def verdict(member: Member, setting: Setting, kind: Hashable, workers: int) -> Verdict:
    """How members of this kind train: as it was found before on this machine, or found now.

    Args:
        member: One of them, with as many regularizers as any.
        setting: What all members share.
        kind: Their signature.
        workers: Processes that train at once, which share the memory.
    """
    file = _file(member, setting, kind, workers)
    if file is None:
        return _judge(member, setting, workers)
    found = load(file)
    if found is None:
        found = _judge(member, setting, workers)
        with suppress(StorageError):  # a cache that cannot be written costs a probe next time
            save(file, found)
    return found


def load(file: Path) -> Verdict | None:
    """The verdict in a file; ``None`` where there is none, or a damaged one."""
    try:
        return Verdict(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError, OSError):
        return None


def save(file: Path, found: Verdict) -> None:
    """Write a verdict.

    Raises:
        StorageError: If it cannot be written.
    """
    with checkpoint.replacing(file) as part:
        part.write_text(json.dumps(asdict(found)), encoding="utf-8")


def _judge(member: Member, setting: Setting, workers: int) -> Verdict:
    single = probe.seconds_alone(member, setting)
    if setting.device.type == "cpu" and _convolves(member, setting):
        return Verdict(False, "convolutions on a processor gain nothing from a pack", alone=single)
    fills = not probe.differs(member, setting, fills=True)
    if not fills and (reason := probe.differs(member, setting, fills=False)):
        return Verdict(False, reason, alone=single)
    spare = probe.needs_spare(member, setting, fills=fills)
    if spare is None:
        return Verdict(False, "its last bits depend on who shares the pack", alone=single)
    each = probe.bytes_each(member, setting)
    size = largest_pack(each, setting.device, workers)
    tried = trial_size(size)
    step = probe.seconds_together(member, setting, tried, fills=fills) / tried
    if step >= FASTER * single:
        reason = f"a pack is not faster ({1000 * step:.2f} ms for each step of a member, {1000 * single:.2f} by itself)"
        return Verdict(False, reason, alone=single, step=step)
    return Verdict(True, "", size, spare, fills, single, step)


def _convolves(member: Member, setting: Setting) -> bool:
    network = Kind(member, setting).model
    return any(isinstance(module, nn.modules.conv._ConvNd) for module in network.modules())


def _file(member: Member, setting: Setting, kind: Hashable, workers: int) -> Path | None:
    """Where the verdict is kept; ``None`` where the network's source cannot be seen, so that it may change unseen."""
    network = Kind(member, setting).model
    text = [repr(network), repr([tuple(weight.shape) for weight in network.parameters()]), repr(kind), str(workers)]
    text += [torch.__version__, platform.machine(), processor(), str(setting.device), str(torch.get_num_threads())]
    text += [str(member.recipe.training.batch_size), str(setting.dataset.layout.task)]
    try:
        text += [_source(thing) for thing in _own(network, setting)]
        folder = cache_folder() / "verdicts"
    except (OSError, TypeError, StorageError):
        return None
    return folder / f"{hashlib.sha256(chr(0).join(text).encode()).hexdigest()[:24]}.json"


def _own(network: nn.Module, setting: Setting) -> list[Any]:
    """The user's own code that members run."""
    classes = {type(module) for module in network.modules()}
    things = sorted(classes, key=lambda cls: (cls.__module__, cls.__qualname__))
    own: list[Any] = [cls for cls in things if not cls.__module__.startswith("torch.")]
    return own if setting.loss is None else [*own, setting.loss]


def _source(thing: Any) -> str:
    return inspect.getsource(thing)
