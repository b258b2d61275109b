"""How members end, and the files that say so: finished work is never done twice.

A member has one outcome file for each pause and one for its end, its checkpoint until then, and where they are kept its
weights.
"""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from bridle.engine import checkpoint, scored
from bridle.engine.course import Course, Diverged
from bridle.engine.setting import Setting
from bridle.population import Member
from bridle.records import Curves, Finding, Outcome, Severity, serial


def finished(member: Member, setting: Setting) -> Outcome | None:
    """The outcome of a member that was trained before, or ``None``."""
    file = _outcome_file(member, setting)
    if file is None or not file.exists():
        return None
    return serial.loads(Outcome, file.read_text(encoding="utf-8"), str(file))


def kept_weights(member: Member, setting: Setting) -> dict[str, Tensor]:
    """The trained weights and buffers of a finished member that was to be kept."""
    file = file_of(member, setting, ".safetensors")
    if file is None:
        raise ValueError("Only members of a setting with a folder are kept.")
    return checkpoint.read(file)[0]


def trained_outcome(
    course: Course, *, residual: float | None = None, findings: tuple[Finding, ...] = (), seconds: float = 0.0
) -> Outcome:
    """The outcome of a member that came to its end, or to its pause."""
    member = course.member
    return Outcome(
        member.candidate,
        member.fold.number,
        member.seed,
        Curves(course.series),
        seconds=seconds,
        residual=residual,
        steps=course.epoch * course.batches.per_epoch,
        stopped=course.best_epoch,
        findings=findings,
    )


def diverged_outcome(
    member: Member, course: Course | None, error: Diverged, *, findings: tuple[Finding, ...] = (), seconds: float = 0.0
) -> Outcome:
    """The outcome of a member whose loss or predictions are no longer finite."""
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
        Curves(course.series if course else {}),
        failure=str(error),
        findings=(*findings, finding),
        steps=error.step,
        seconds=seconds,
    )


def keep(
    member: Member, setting: Setting, outcome: Outcome, course: Course | None, weights: Callable[[], dict[str, Tensor]]
) -> None:
    """Write what is left of a member that has ended or pauses: last of all its outcome, which makes the rest count.

    Args:
        member: The member.
        setting: What it shares with the others; without a folder nothing is written.
        outcome: How it ended.
        course: Its course, ``None`` where it never began.
        weights: Gives its weights and buffers, asked only where they are to be kept.
    """
    file = _outcome_file(member, setting)
    if setting.folder is None or file is None:
        return
    ended = course is None or course.finished or outcome.failure is not None
    if course is not None and outcome.failure is None:
        scored.write(member, setting.folder, course.rows["score"], course.scored)
        if member.keep and ended:
            checkpoint.write(setting.folder / f"{member.name}.safetensors", weights(), {"member": member.name})
    with checkpoint.replacing(file) as part:
        part.write_text(serial.dumps(outcome, indent=None), encoding="utf-8")
    if ended:
        (setting.folder / f"{member.name}.checkpoint").unlink(missing_ok=True)


def file_of(member: Member, setting: Setting, suffix: str) -> Path | None:
    """A file of a member, ``None`` where nothing is kept."""
    return None if setting.folder is None else setting.folder / f"{member.name}{suffix}"


def told(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {error}"


def _outcome_file(member: Member, setting: Setting) -> Path | None:
    return file_of(member, setting, f"@{member.until}.json" if member.pauses else ".json")
