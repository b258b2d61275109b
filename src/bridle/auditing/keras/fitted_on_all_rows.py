"""Preprocessing that was fitted on rows that a Keras model was validated or evaluated on."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from bridle.auditing.checks.preprocessing_on_all_rows import PreprocessingOnAllRows
from bridle.auditing.keras.used import Rows, Training, arrays_of
from bridle.auditing.rows import digests
from bridle.auditing.witnessed import Fit
from bridle.records import Finding, Severity


def look(trainings: Sequence[Training], fits: Sequence[Fit], adapted: Sequence[tuple[str, Any]]) -> Iterator[Finding]:
    """At most one finding: for a transformer of scikit-learn, a layer that was adapted, or the numbers themselves.

    A note where ``validation_split`` splits rows off: it does so after whatever came before ``fit``.

    Args:
        trainings: The calls of ``fit``.
        fits: Transformers of scikit-learn that were fitted.
        adapted: Layers that were adapted, by their class, and the array that each was given.
    """
    for training in trainings:
        held = [] if training.validation is None else [training.validation]
        for rows in [*held, *training.evaluated]:
            split = rows is training.validation and training.split
            found = next(_found(training.rows, rows, split, fits, adapted), None)
            if found is not None:
                yield found
                return


def _found(
    train: Rows, held: Rows, split: bool, fits: Sequence[Fit], adapted: Sequence[tuple[str, Any]]
) -> Iterator[Finding]:
    known, others = arrays_of(train.given), arrays_of(held.given)
    if len(known) != 1 or len(others) != 1:
        return
    wanted = set(_digests(others[0])) - set(_digests(known[0])) if adapted else set()
    for name, array in adapted:
        shared = len(wanted & set(_digests(array)))
        if shared and 2 * shared >= len(wanted):
            yield _of_layer(name, len(array), shared, split)
    yield from PreprocessingOnAllRows().between(known, others, fits, split)


def _of_layer(name: str, rows: int, shared: int, split: bool) -> Finding:
    message = (
        f"{name}.adapt() was given {rows} rows, {shared} of them validation rows: what it learned from them is in "
        "every training row, and their score is better than on rows it has never seen. "
    )
    message += (
        "validation_split takes the last rows of x: adapt() to the others." if split else "Adapt to x_train only."
    )
    severity = Severity.INFO if split else Severity.WARNING
    numbers = {"transformer": name, "rows": rows, "shared": shared, "targets": False}
    return Finding(PreprocessingOnAllRows.name, severity, message, numbers)


def _digests(array: Any) -> list[bytes]:
    return digests(torch.from_numpy(np.ascontiguousarray(array)))
