"""From a job to its evidence."""

from typing import Any

import numpy as np

from bridle.engine.packs import modes
from bridle.job import surroundings
from bridle.job.choose import Chosen
from bridle.job.context import Context
from bridle.records import DataSummary, Evidence, Task, serial


def evidence_of(job: Context, chosen: Chosen | None, recipe: str, **found: Any) -> Evidence:
    """The evidence of a job so far.

    Args:
        job: The job.
        chosen: What the folds said, or ``None`` where nothing was free.
        recipe: The chosen or given recipe as TOML.
        **found: Further fields of :class:`~bridle.records.Evidence`: the tested, the pictures.
    """
    return Evidence(
        command={name: value for name, value in serial.to_plain(job.ask.public()).items() if value not in ("", None)},
        data=_summary(job),
        task=job.dataset.layout.task,
        metric=job.metric.name,
        higher_is_better=job.metric.higher_is_better,
        recipe=recipe,
        candidates=chosen.candidates if chosen else (),
        baselines=chosen.baselines if chosen else (),
        choice=chosen.choice if chosen else None,
        findings=tuple(job.findings),
        openings=job.openings,
        versions=surroundings.versions(),
        hardware=surroundings.hardware(job.ask.device, job.threads, job.workers),
        seconds=dict(job.seconds),
        laplace=job.laplace,
        modes=tuple(modes.told(job.setting)),
        **found,
    )


def _summary(job: Context) -> DataSummary:
    dataset, layout = job.dataset, job.dataset.layout
    counts: dict[str, int] = {}
    if layout.task is Task.CLASSIFICATION:
        found = np.bincount(dataset.targets, minlength=layout.outputs)
        counts = {name: int(count) for name, count in zip(layout.classes, found, strict=True)}
    return DataSummary(
        name=job.ask.data,
        fingerprint=dataset.fingerprint,
        kind=str(layout.kind),
        shape=layout.shape,
        target=layout.target,
        classes=layout.classes,
        rows={"train": len(job.rows), "test": len(job.sealed)},
        counts=counts,
        notes=dataset.notes,
    )
