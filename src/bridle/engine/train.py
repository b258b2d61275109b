"""Train one member to its end, from its checkpoint where there is one."""

import time
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from bridle.engine import checkpoint, scored
from bridle.engine.course import Diverged
from bridle.engine.member import MemberTraining
from bridle.engine.process import flushed
from bridle.engine.setting import Setting
from bridle.errors import BridleError
from bridle.population import Member
from bridle.records import Curves, Finding, Outcome, Severity, serial


def train(member: Member, setting: Setting) -> Outcome:
    """Train one member and give its outcome; with a folder, finished work is never done twice.

    A member that is to pause leaves a checkpoint, from which it goes on when it comes again with a later pause or none.

    After each epoch a checkpoint is written atomically, so that training that was killed goes on where it was, to the
    same weights. A checkpoint that cannot be used costs time only: the member starts over, and a finding says so. A
    loss that is no longer finite ends the member with a finding; another error in the user's own code ends it with
    that error as its ``failure``.

    Raises:
        BridleError: If the recipe does not fit the model, or the disk is full.
    """
    if (done := finished(member, setting)) is not None:
        return done
    started = time.perf_counter()
    training: MemberTraining | None = None
    try:
        training = _begin(member, setting)
        with flushed():
            outcome = _to_the_end(training, _file(member, setting, ".checkpoint"))
    except BridleError:
        raise
    except Diverged as diverged:
        outcome = _diverged(member, training, diverged)
    except Exception as error:  # the user's model or loss may raise anything; the other members go on
        outcome = Outcome(member.candidate, member.fold.number, member.seed, Curves(), failure=_told(error))
    outcome = replace(outcome, seconds=time.perf_counter() - started)
    _finish(member, setting, outcome, training)
    return outcome


def finished(member: Member, setting: Setting) -> Outcome | None:
    """The outcome of a member that was trained before, or ``None``."""
    file = _outcome_file(member, setting)
    if file is None or not file.exists():
        return None
    return serial.loads(Outcome, file.read_text(encoding="utf-8"), str(file))


def kept_weights(member: Member, setting: Setting) -> dict[str, Tensor]:
    """The trained weights and buffers of a finished member that was to be kept."""
    file = _file(member, setting, ".safetensors")
    if file is None:
        raise ValueError("Only members of a setting with a folder are kept.")
    return checkpoint.read(file)[0]


def _begin(member: Member, setting: Setting) -> MemberTraining:
    """The member's training as its checkpoint left it, or from the start."""
    training, file = MemberTraining(member, setting), _file(member, setting, ".checkpoint")
    if file is None or not file.exists():
        return training
    try:
        training.restore(*checkpoint.read(file))
    except Exception as error:  # whatever is wrong with the file: training from the start gives the same weights
        training = MemberTraining(member, setting)
        message = f"{file} could not be used ({_told(error)}): the member was trained from the start."
        training.findings.append(Finding("damaged_checkpoint", Severity.WARNING, message))
    return training


def _to_the_end(training: MemberTraining, file: Path | None) -> Outcome:
    member = training.member
    while not training.course.rests:
        training.train_epoch()
        if file is not None and not training.course.finished:
            checkpoint.write(file, *training.state())
    residual = training.close() if member.keep and training.course.finished else None
    return Outcome(
        member.candidate,
        member.fold.number,
        member.seed,
        Curves(training.course.series),
        residual=residual,
        steps=training.course.epoch * training.batches.per_epoch,
        stopped=training.course.best_epoch,
        findings=tuple(training.findings),
    )


def _diverged(member: Member, training: MemberTraining | None, error: Diverged) -> Outcome:
    finding = Finding(
        "nan_loss",
        Severity.ERROR,
        f"{error} (candidate {member.candidate}, fold {member.fold.number}, seed {member.seed}): the member was "
        "stopped. A smaller training.learning_rate or training.clip = 1.0 usually helps.",
        {"step": error.step, "epoch": error.epoch},
    )
    return Outcome(
        member.candidate,
        member.fold.number,
        member.seed,
        Curves(training.course.series if training else {}),
        failure=str(error),
        findings=(*(training.findings if training else ()), finding),
        steps=error.step,
    )


def _finish(member: Member, setting: Setting, outcome: Outcome, training: MemberTraining | None) -> None:
    file = _outcome_file(member, setting)
    if setting.folder is None or file is None:
        return
    ended = training is None or training.course.finished or outcome.failure is not None
    if training is not None and outcome.failure is None:
        scored.write(member, setting.folder, training.course.rows["score"], training.course.scored)
        if member.keep and ended:
            checkpoint.write(setting.folder / f"{member.name}.safetensors", training.weights(), {"member": member.name})
    with checkpoint.replacing(file) as part:
        part.write_text(serial.dumps(outcome), encoding="utf-8")
    if ended:
        (setting.folder / f"{member.name}.checkpoint").unlink(missing_ok=True)


def _file(member: Member, setting: Setting, suffix: str) -> Path | None:
    return None if setting.folder is None else setting.folder / f"{member.name}{suffix}"


def _outcome_file(member: Member, setting: Setting) -> Path | None:
    """Where its outcome goes: one file for each pause, and one for the end."""
    return _file(member, setting, f"@{member.until}.json" if member.pauses else ".json")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
