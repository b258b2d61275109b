"""Rows that chose a Keras model's weights, by a callback, and give its final score."""

from collections.abc import Iterator, Sequence
from typing import Any

from bridle.auditing.checks.selected_on_test import SEVERAL, SelectedOnTest, called_test
from bridle.auditing.keras.used import Training
from bridle.records import Finding, Severity


def look(trainings: Sequence[Training]) -> Iterator[Finding]:
    """One finding where a callback kept the best weights on rows, and these are the only ones ever evaluated.

    An error where the script calls them test rows and the best weights came back, as in loops of a script's own; a
    warning where only one of both is known.

    Args:
        trainings: The calls of ``fit`` in a script that ran to its end.
    """
    seen = [rows for one in trainings for rows in (one.validation, *one.evaluated) if rows is not None]
    chosen = next((one for one in trainings if one.validations >= SEVERAL and any(_chooses(one.callbacks))), None)
    if chosen is None or len({rows.key for rows in seen}) != 1:
        return
    test, (restores, saves) = called_test([rows.names for rows in seen]), _chooses(chosen.callbacks)
    reported = any(one.evaluated for one in trainings[trainings.index(chosen) :])
    if not reported or not (restores or test):
        return
    what, looks = "test rows" if test else "rows", chosen.validations
    message = (
        f"The same {what} were validation_data of fit(), where {restores or saves} kept the best of "
        f"{looks} weights on them, and were evaluated again for the score, and no other rows were evaluated: it is the "
        "best of several looks, and too good for new rows. Give fit() validation_split=0.2, or rows split off from "
        "training, and evaluate the test rows once, at the end."
    )
    severity = Severity.ERROR if test and restores else Severity.WARNING
    yield Finding(SelectedOnTest.name, severity, message, {"looks": looks})


def _chooses(callbacks: Sequence[Any]) -> tuple[str, str]:
    """The names of the callbacks that bring back, and that save, the weights that are best on validation rows."""
    restores = saves = ""
    for callback in callbacks:
        kinds, name = {kind.__name__ for kind in type(callback).__mro__}, type(callback).__name__
        if str(getattr(callback, "monitor", "")).startswith("val_"):
            restores = name if "EarlyStopping" in kinds and callback.restore_best_weights else restores
            saves = name if "ModelCheckpoint" in kinds and callback.save_best_only else saves
    return restores, saves
