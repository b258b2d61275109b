"""The same rows in training and validation."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.auditing.rows import again_possible, blocks, digests
from bridle.auditing.undo import Undo
from bridle.records import Finding, Severity

LIMIT = 100_000
"""Rows of each loader that are compared."""

MANY = 0.01
"""Share of the validation rows from which the score no longer means what it says."""


@final
class SharedRows(Check):
    """Rows are compared by digest: a validation row that was trained on is remembered, not predicted."""

    name: ClassVar[str] = "shared_rows"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the number and share of the rows."""
        if not again_possible(observed.loader) or not again_possible(observed.val_loader):
            return
        with Undo():
            trained = Counter(digest for block in blocks(observed.loader, LIMIT) for digest in digests(block))
            validated = [digest for block in blocks(observed.val_loader, LIMIT) for digest in digests(block)]
        shared = sum(digest in trained for digest in validated)
        share = shared / max(len(validated), 1)
        repeated = sum(count for count in trained.values() if count > 1) / max(sum(trained.values()), 1)
        if not shared:
            return
        severity = Severity.ERROR if share >= MANY and share > 2 * repeated else Severity.WARNING
        again = f" Of the training rows {repeated:.1%} are there more than once." if repeated else ""
        message = (
            f"{shared} of {len(validated)} validation rows ({share:.1%}) are training rows, number for "
            f"number.{again} The score on them measures memory. Remove repeated rows before splitting, split before "
            "oversampling or augmenting, and keep copies of one source in one part (GroupKFold, groups=)."
        )
        numbers = {"shared": shared, "share": share, "rows": len(validated), "repeated": repeated}
        yield Finding(self.name, severity, message, numbers)
