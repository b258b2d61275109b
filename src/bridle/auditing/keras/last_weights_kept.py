"""Early stopping of Keras that leaves a model with its last weights."""

from collections.abc import Iterator, Sequence
from typing import Any

from bridle.records import Finding, Severity

NAME = "best_weights_not_restored"


def look(callbacks: Sequence[Any]) -> Iterator[Finding]:
    """One finding for an ``EarlyStopping(restore_best_weights=False)`` without a callback that saves weights.

    A warning where it has stopped the training; a note where it has not yet, since it may never.

    Args:
        callbacks: Those of one call of ``fit``.
    """
    kinds = {kind.__name__ for callback in callbacks for kind in type(callback).__mro__}
    if "ModelCheckpoint" in kinds:
        return
    for callback in callbacks:
        if "EarlyStopping" not in {kind.__name__ for kind in type(callback).__mro__} or callback.restore_best_weights:
            continue
        stopped, monitor = int(callback.stopped_epoch), str(callback.monitor)
        since = stopped - int(callback.best_epoch)
        if stopped and since > 0:
            best = float(callback.best)
            what = (
                f"EarlyStopping stopped the training after epoch {stopped + 1} and left the model with its last "
                f"weights, {since} epochs after {monitor} was best ({best:.4g})"
            )
            numbers = {"monitor": monitor, "best": best, "epochs_since": since}
        elif not stopped:
            what = f"EarlyStopping(monitor={monitor!r}) would leave the model with its last weights, not the best ones"
            numbers = {"monitor": monitor}
        else:
            continue
        message = f"{what}: restore_best_weights is False, as it is by default. Write restore_best_weights=True."
        yield Finding(NAME, Severity.WARNING if stopped else Severity.INFO, message, numbers)
