"""The same rows in training and validation."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._sides import IN_A_RUN, Sides, sides_of
from bridle.auditing.observed import Observed
from bridle.auditing.rows import blocks, digests
from bridle.auditing.undo import Undo
from bridle.records import Finding, Severity

LIMIT = 100_000
"""Rows of each loader that are compared."""

MANY = 0.01
"""Share of the validation rows from which the score no longer means what it says."""

INSTEAD = (
    "Remove repeated rows before splitting, split before oversampling or augmenting, and keep copies of one source in "
    "one part (GroupKFold, groups=)."
)
COPIES = 0.95
"""Share of the shared rows with the same target on both sides, below which they meet by chance: no copies of a row."""
SOME = 3
"""In a run of Bridle's fewer rows than this are told, not warned of: among rows of few numbers some meet by chance."""


@final
class SharedRows(Check):
    """Rows are compared by digest: a validation row that was trained on is remembered, not predicted."""

    name: ClassVar[str] = "shared_rows"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the number and share of the rows."""
        sides = sides_of(observed)
        if sides is None:
            return
        with Undo():
            trained = Counter(digest for block in blocks(sides.training, LIMIT) for digest in digests(block))
            validated = [digest for block in blocks(sides.held_out, LIMIT) for digest in digests(block)]
        shared = sum(digest in trained for digest in validated)
        share = shared / max(len(validated), 1)
        repeated = sum(count for count in trained.values() if count > 1) / max(sum(trained.values()), 1)
        if not shared:
            return
        severity = Severity.ERROR if share >= MANY and share > 2 * repeated else Severity.WARNING
        numbers = {"shared": shared, "share": share, "rows": len(validated), "repeated": repeated}
        if observed.run is not None:
            numbers["agree"] = _agreeing(sides)
            if shared < SOME or share < MANY or numbers["agree"] < COPIES:
                severity = Severity.INFO
        again = f" Of the training rows {repeated:.1%} are there more than once." if repeated else ""
        message = (
            f"{shared} of {len(validated)} {sides.name} rows ({share:.1%}) are training rows, number for "
            f"number.{again} The score on them measures memory. "
            f"{INSTEAD if observed.run is None else IN_A_RUN}"
        )
        yield Finding(self.name, severity, message, numbers)


def _agreeing(sides: Sides) -> float:
    """How often a shared row of a run has the target that the same row has in training, as a mean over those."""
    known: dict[bytes, Counter[float]] = {}
    for inputs, targets in sides.training:
        for digest, target in zip(digests(inputs), targets.tolist(), strict=True):
            known.setdefault(digest, Counter())[target] += 1
    agree = [
        known[digest][target] / known[digest].total()
        for inputs, targets in sides.held_out
        for digest, target in zip(digests(inputs), targets.tolist(), strict=True)
        if digest in known
    ]
    return sum(agree) / max(len(agree), 1)
