"""Train one member by itself to its end, from its checkpoint where there is one."""

import time
from dataclasses import replace
from pathlib import Path

from bridle.engine import checkpoint
from bridle.engine.course import Diverged
from bridle.engine.member import MemberTraining
from bridle.engine.outcomes import diverged_outcome, file_of, finished, keep, told, trained_outcome
from bridle.engine.process import flushed
from bridle.engine.setting import Setting
from bridle.errors import BridleError
from bridle.population import Member
from bridle.records import Curves, Finding, Outcome, Severity


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
            outcome = _to_the_end(training, file_of(member, setting, ".checkpoint"))
    except BridleError:
        raise
    except Diverged as diverged:
        findings = tuple(training.findings) if training else ()
        outcome = diverged_outcome(member, training.course if training else None, diverged, findings=findings)
    except Exception as error:  # the user's model or loss may raise anything; the other members go on
        outcome = Outcome(member.candidate, member.fold.number, member.seed, Curves(), failure=told(error))
    outcome = replace(outcome, seconds=time.perf_counter() - started)
    if training is None:
        keep(member, setting, outcome, None, dict)
    else:
        keep(member, setting, outcome, training.course, training.weights)
    return outcome


def _begin(member: Member, setting: Setting) -> MemberTraining:
    """The member's training as its checkpoint left it, or from the start."""
    training, file = MemberTraining(member, setting), file_of(member, setting, ".checkpoint")
    if file is None or not file.exists():
        return training
    try:
        training.restore(*checkpoint.read(file))
    except Exception as error:  # whatever is wrong with the file: training from the start gives the same weights
        training = MemberTraining(member, setting)
        training.findings.append(damaged(file, error))
    return training


def damaged(file: Path, error: Exception) -> Finding:
    """That a checkpoint could not be used."""
    message = f"{file} could not be used ({told(error)}): the member was trained from the start."
    return Finding("damaged_checkpoint", Severity.WARNING, message)


def _to_the_end(training: MemberTraining, file: Path | None) -> Outcome:
    while not training.course.rests:
        training.train_epoch()
        if file is not None and not training.course.finished:
            checkpoint.write(file, *training.state())
    residual = training.close() if training.member.keep and training.course.finished else None
    return trained_outcome(training.course, residual=residual, findings=tuple(training.findings))
