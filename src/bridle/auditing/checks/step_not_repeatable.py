"""A step that does something else each time it runs."""

from collections.abc import Iterator
from typing import final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import REPEATABLE
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class StepNotRepeatable(Check):
    """Two runs from the same state differ, so that no part of the movement can be told apart."""

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Compare the two runs."""
        ledger = observed.ledger
        if ledger is not None and ledger.noise > REPEATABLE:
            yield Finding(
                self.name,
                Severity.INFO,
                f"The step moved the weights otherwise when it ran again from the same state: the two differ by "
                f"{ledger.noise:.0%} of the movement, so most checks of the movement were left out. Let it take the "
                "batch as an argument: audit(model, optimizer, lambda batch: ..., loader=loader).",
                {"noise": ledger.noise},
            )
