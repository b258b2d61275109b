"""Trains the members of a job, in this process or in a worker: it carries names and paths, never the data itself."""

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch

from bridle.engine.losses import Loss
from bridle.engine.outcomes import finished
from bridle.engine.packs.plan import plan
from bridle.engine.packs.train import train_together
from bridle.engine.process import end_with, prepare, threads
from bridle.engine.setting import Setting
from bridle.engine.train import train
from bridle.job import spool
from bridle.metrics import catalogue as metrics
from bridle.models.named import load_named
from bridle.population import Member, Task
from bridle.records import Outcome

_settings: dict[str, Setting] = {}


@final
@dataclass(frozen=True, eq=False)
class Trainer:
    """What a worker needs to train any members of one job.

    Args:
        folder: The run folder, with the spooled data.
        metric: The name of the metric.
        model: ``None``, ``"pkg.mod:name"`` or the user's object.
        loss: Likewise.
        device: The device's name.
        threads: Threads in torch's operators; fixed for a job, since results depend on it in the last bits.
        workers: Processes that may train at once.
        home: The process that made it.
        compiled: Whether packs compile their gradients.
        job: Tells this job from any other in the same process, also one that used the same folder before.
    """

    folder: Path
    metric: str
    model: Any
    loss: Any
    device: str
    threads: int
    workers: int
    home: int
    compiled: bool = False
    job: str = field(default_factory=lambda: uuid.uuid4().hex)

    def setting(self) -> Setting:
        """The job's setting, opened once per process."""
        if self.job not in _settings:
            _settings.clear()
            _settings[self.job] = Setting(
                spool.load(self.folder / "data"),
                metrics.find(self.metric),
                self.model,
                loss_of(self.loss),
                self.folder / "members",
                torch.device(self.device),
                compiled=self.compiled,
            )
        return _settings[self.job]

    def plan(self, members: Sequence[Member], apart: bool, running: bool) -> list[Task]:
        """Divide members into tasks."""
        with threads(self.threads):
            return plan(members, self.setting(), self.workers, apart=apart, running=running)

    def __call__(self, task: Task) -> Iterator[tuple[Member, Outcome]]:
        """Train the members of a task, in packs or one after another."""
        if os.getpid() != self.home:
            end_with(self.home)
            prepare()
        setting = self.setting()
        with threads(self.threads):
            if not task.size:
                for member in task.members:
                    yield member, train(member, setting)
                return
            waiting = []
            for member in task.members:
                outcome = finished(member, setting)
                if outcome is None:
                    waiting.append(member)
                else:
                    yield member, outcome
            if waiting:
                yield from train_together(waiting, setting, size=task.size, spare=task.spare, fills=task.fills)


def loss_of(loss: Any) -> Loss | None:
    """The loss that the user gave: ``None``, a function, or ``"pkg.mod:name"``."""
    found: Loss | None = load_named(loss, "--loss") if isinstance(loss, str) else loss
    return found
