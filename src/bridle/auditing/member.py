"""The audit of a training of Bridle's own: its step, measured on a copy of the network that came out of it."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bridle.auditing.catalogue import checks_seen_in
from bridle.auditing.effects import effects
from bridle.auditing.ledger import measure, named
from bridle.auditing.observed import Observed
from bridle.auditing.own_notes import notes
from bridle.auditing.own_run import OwnRun, SomeRows
from bridle.auditing.own_step import OwnStep, own_step
from bridle.auditing.probe import Probe
from bridle.auditing.undo import Undo
from bridle.core.draws import seeded
from bridle.data.dataset import Dataset
from bridle.engine.examples import Batches
from bridle.engine.outcomes import told
from bridle.engine.process import flushed
from bridle.engine.setting import Setting
from bridle.population import Member
from bridle.records import Candidate, Effect, Entry, Finding, Ledger, Mark, RunAudit
from bridle.regularizers.updates import GradientNoise

STATISTICS = 4096
"""Clean training rows that checks of the network get at most."""


@final
@dataclass(frozen=True, eq=False)
class Circumstances:
    """What surrounds a training.

    Args:
        metric: The name of the metric that chose.
        epochs: How many epochs it trained.
        candidates: What the search tried; empty where nothing was free.
        test: The test rows with their data set, ``None`` where nothing is sealed.
    """

    metric: str
    epochs: int
    candidates: tuple[Candidate, ...] = ()
    test: tuple[Dataset, NDArray[np.int64]] | None = None


def audit_member(
    member: Member, setting: Setting, weights: Mapping[str, Tensor], around: Circumstances
) -> tuple[RunAudit, list[Finding]]:
    """Measure what regularization did in the step of a finished training, and look for mistakes in it.

    Nothing of the training is touched: it is built anew. What cannot be measured, as the user's own network or loss may
    raise anything, is said in the result.

    Args:
        member: The member.
        setting: What it shares with the others.
        weights: The weights and buffers that it ended with.
        around: The circumstances.
    """
    with Undo(), seeded(member.seed, member.fold.number, 0, "audit"), flushed():
        taken = own_step(member, setting, weights, around.epochs)
        step = taken.training.step
        with Undo(step.model, step.optimizer, taken.run) as undo:
            ledger, found, failure = _measured(taken, undo)
            observed = _observed(taken, around, setting, ledger)
            looked, findings, failed = _looked(observed, undo)
    further = notes(taken.training.recipe, ledger is not None)
    record = RunAudit(
        ledger, found, looked, taken.number, taken.steps, taken.rate, (*further, *failed) if ledger else failed, failure
    )
    return record, findings


def _measured(taken: OwnStep, undo: Undo) -> tuple[Ledger | None, tuple[Effect, ...], str]:
    """The ledger and the strengths, or why there are none."""
    step = taken.training.step
    try:
        parameters: list[Tensor] = [weight for _, weight in named(step.model).values()]
        probe = Probe(step.model, step.optimizer, taken.run, parameters, undo.scalers)
        with _without_noise(step):
            ledger = _as_own(measure(step.model, probe, undo), taken.training.recipe.training.clip > 0)
        found = tuple(effects(step, probe, undo, taken.progress))
    except Exception as error:  # a network may not stand to be run with halved outputs or changed weights
        undo.restore()
        return None, (), told(error)
    return ledger, (*found, *_own_decay(taken, ledger, found)), ""


@contextmanager
def _without_noise(step: Any) -> Iterator[None]:
    """Noise on gradients would pass for a penalty's gradient."""
    rules = step.updates.parts
    step.updates.parts = [part for part in rules if not isinstance(part[0], GradientNoise)]
    try:
        yield
    finally:
        step.updates.parts = rules


def _as_own(ledger: Ledger, clips: bool) -> Ledger:
    """The ledger of a step that is Bridle's own, about which more is known than a measurement can tell.

    Its data loss has the factor one. Loss terms are no penalty on weights, so that a part of the loss without a
    gradient at recorded outputs is no mistake. Where nothing is clipped, what looks like it is rounding beside a large
    penalty.
    """
    unit = ledger.data_weight if math.isfinite(ledger.data_weight) else 1.0
    return replace(
        ledger,
        entries=tuple(_own_entry(entry, unit, clips) for entry in ledger.entries),
        data_weight=1.0,
        without_gradient=math.nan,
        without_gradient_weights=(),
    )


def _own_entry(entry: Entry, unit: float, clips: bool) -> Entry:
    return replace(
        entry,
        parts={name: part for name, part in entry.parts.items() if clips or name != "clipping"},
        strength=entry.strength * unit,
        l1_strength=entry.l1_strength * unit,
        sources=_own_sources(entry.sources, unit),
        l1_sources=_own_sources(entry.l1_sources, unit),
        clip=entry.clip if clips else 1.0,
    )


def _own_sources(sources: Mapping[str, float], unit: float) -> dict[str, float]:
    return {"bridle" if name == "by hand" else name: value * unit for name, value in sources.items()}


def _own_decay(taken: OwnStep, ledger: Ledger, found: tuple[Effect, ...]) -> Iterator[Effect]:
    """The optimizer's own decay: what the ledger measures, less the decays of the recipe's rules."""
    declared = taken.training.recipe.training.weight_decay
    for entry in ledger.entries if declared else ():
        if entry.held and entry.trained:
            rules = sum(one.measured for one in found if one.form == "decay" and one.weight == entry.name)
            yield Effect("training.weight_decay", entry.name, "decay", declared, entry.decay - rules, entry.decay_fit)


def _observed(taken: OwnStep, around: Circumstances, setting: Setting, ledger: Ledger | None) -> Observed:
    training, step = taken.training, taken.training.step
    preprocessing, rows = training.examples.preprocessing, training.member.fold.rows(Mark.TRAIN)
    own = OwnRun(
        recipe=training.recipe,
        metric=around.metric,
        steps=taken.steps,
        sizes=taken.sizes,
        own_model=setting.model is not None,
        coded=bool(setting.dataset.layout.categorical),
        candidates=around.candidates,
        training=SomeRows(setting.dataset, rows, preprocessing),
        test=None if around.test is None else SomeRows(*around.test, preprocessing),
    )
    clean = _Clean(training.batches, training.course.statistics_rows[:STATISTICS])
    return Observed(step.model, step.optimizer, taken.run, clean, None, ledger, run=own)


@final
@dataclass(frozen=True, eq=False)
class _Clean:
    """Clean training rows as the network takes them, batch by batch, as often as it is read."""

    batches: Batches
    rows: NDArray[np.int64]

    def __iter__(self) -> Iterator[Tensor]:
        for batch, _ in self.batches.clean(256, self.rows):
            yield batch.inputs


def _looked(observed: Observed, undo: Undo) -> tuple[tuple[str, ...], list[Finding], tuple[str, ...]]:
    """The checks that looked, what they found, and in sentences which could not look."""
    looked: list[str] = []
    findings: list[Finding] = []
    failed: list[str] = []
    for check in checks_seen_in("run"):
        try:
            found = list(check.look(observed))
        except Exception as error:  # as above: a check calls the user's network, too
            failed.append(f"The check {check.name} could not look: {told(error)}.")
        else:
            looked.append(check.name)
            findings += found
        undo.restore()
    return tuple(looked), findings, tuple(failed)
