"""L2 that acts on the same weights in two places."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity

PLACES = {
    "loss": "the loss",
    "by hand": "the step's own change of the gradients",
    "bridle": "bridle.attach",
    "optimizer": "the optimizer's weight_decay",
    "decay": "decoupled decay",
}


@final
class PenaltyAppliedTwice(Check):
    """Two of loss, hand, recipe and optimizer shrink a weight, and their strengths add up."""

    name: ClassVar[str] = "penalty_applied_twice"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Count the places by weight."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        twice = [(entry, found) for entry in ledger.entries if len(found := _places(entry)) > 1]
        if twice:
            first, places = twice[0]
            parts = " and ".join(f"{PLACES[place]} ({strength:.3g})" for place, strength in places.items())
            yield Finding(
                self.name,
                Severity.WARNING,
                f"{some([entry for entry, _ in twice])}: shrunk by {parts}; together {sum(places.values()):.3g} on "
                f"{first.name}. Keep one of them: weight_decay=0 in the optimizer, or no penalty beside it.",
                {"weights": {entry.name: found for entry, found in twice}},
            )


def _places(entry: Entry) -> dict[str, float]:
    decay = {"decay": entry.decay} if entry.decay > 0 else {}
    return {place: strength for place, strength in entry.sources.items() if strength > 0} | decay
