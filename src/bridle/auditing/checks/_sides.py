"""The two sides of a split whose rows are compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

from bridle.auditing.observed import Observed
from bridle.auditing.rows import again_possible

IN_A_RUN = (
    "Remove repeated rows from the data, or name the column that says which rows are of one source: bridle fit --group "
    "COLUMN keeps those on one side."
)


@final
@dataclass(frozen=True)
class Sides:
    """Training rows, and the rows that a score is taken on.

    Args:
        training: Batches of training rows.
        held_out: Batches of the others.
        name: What the others are called: ``"validation"`` or ``"test"``.
    """

    training: Iterable[Any]
    held_out: Iterable[Any]
    name: str


def sides_of(observed: Observed) -> Sides | None:
    """The loaders of a training, or the training and test rows of a run of Bridle's; None where one is missing."""
    if observed.run is not None:
        training, test = observed.run.training, observed.run.test
        return None if training is None or test is None else Sides(training, test, "test")
    if not again_possible(observed.loader) or not again_possible(observed.val_loader):
        return None
    return Sides(observed.loader, observed.val_loader, "validation")
