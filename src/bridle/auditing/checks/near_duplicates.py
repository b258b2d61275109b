"""Validation rows that are almost training rows."""

from collections.abc import Iterator
from typing import ClassVar, final

import torch
from torch import Tensor

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._sides import IN_A_RUN, sides_of
from bridle.auditing.observed import Observed
from bridle.auditing.rows import matrix
from bridle.auditing.undo import Undo
from bridle.records import Finding, Severity

ROWS = 2000
"""Rows of each loader that are compared, each with each."""

FEATURES = 64
"""Below this many numbers a row may be close to another by chance."""

ALIKE = 0.995
"""Cosine between two rows, less the mean training row, from which one counts as a copy of the other."""

FEW = 0.01
"""Share of validation rows that may be alike by chance."""
INSTEAD = "Split by source (GroupShuffleSplit, groups=), and augment after splitting."


@final
class NearDuplicates(Check):
    """Rows, less the mean training row, are compared by their cosine: crops, noise and compression hardly change it."""

    name: ClassVar[str] = "near_duplicates"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the share of validation rows that have a near copy in training."""
        sides = sides_of(observed)
        if sides is None or (observed.run is not None and observed.run.coded):
            return
        with Undo():
            trained, validated = matrix(sides.training, ROWS), matrix(sides.held_out, ROWS)
        if (
            trained is None
            or validated is None
            or trained.shape[1] != validated.shape[1]
            or trained.shape[1] < FEATURES
        ):
            return
        centre = trained.mean(0)
        cosine, nearest = (_unit(validated - centre) @ _unit(trained - centre).T).max(1)
        exact = (validated == trained[nearest]).all(1)
        near = (cosine > ALIKE) & ~exact
        share = near.float().mean().item()
        if share <= FEW:
            return
        message = (
            f"{int(near.sum())} of {len(near)} {sides.name} rows compared ({share:.1%}) are nearly a training row "
            f"(cosine above {ALIKE}): probably copies, frames or augmented versions of one source on both sides of "
            f"the split. Their score measures memory. "
            f"{INSTEAD if observed.run is None else IN_A_RUN}"
        )
        numbers = {"near": int(near.sum()), "share": share, "rows": len(near), "cosine": cosine[near].mean().item()}
        yield Finding(self.name, Severity.WARNING, message, numbers)


def _unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=1)
