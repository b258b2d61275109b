"""A penalty that counts once for each micro-batch."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import loss_strength
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class PenaltyPerMicroBatch(Check):
    """The data loss is divided by the number of micro-batches, the penalty beside it is not."""

    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Compare what the data loss and the whole loss are divided by."""
        ledger = observed.ledger
        if ledger is None or ledger.passes < 2 or ledger.penalty_passes < ledger.passes:
            return
        data_weight = ledger.data_weight / ledger.replicas  # as it goes backward, before any division of gradients
        if abs(data_weight - 1.0) < 0.01 and abs(ledger.root - 1.0) < 0.01:
            strengths = {entry.name: value for entry in ledger.entries if (value := loss_strength(entry)) > 0}
            yield Finding(
                self.name,
                Severity.WARNING,
                f"The penalty is added in each of {ledger.passes} backward passes in full, while the data loss is "
                f"divided by {ledger.passes}: its strength is {ledger.passes} times what it says. Divide the sum, "
                f"((data_loss + penalty) / {ledger.passes}).backward(), or bridle.attach(model, optimizer, recipe): "
                "it adds it once per step.",
                {"passes": ledger.passes, "strengths": strengths},
            )
