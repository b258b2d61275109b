"""L1 by its gradient, which makes no exact zeros."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity


@final
class L1WithoutZeros(Check):
    """The penalty's gradient has the weights' signs in it and no proximal step follows: they hover around zero."""

    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look for an L1 strength, with or without one of L2 beside it."""
        ledger = observed.ledger
        entries = ledger.entries if ledger is not None else ()
        found = [entry for entry in entries if _is_l1(entry)]
        if found:
            first = found[0]
            yield Finding(
                self.name,
                Severity.WARNING,
                f"L1 (strength {_meant(first):.3g}) acts on {some(found)} by its gradient "
                f"alone: weights cross zero and never stay there (exact zeros now: {first.zeros:.1%}). Where zeros "
                f"are meant: bridle.attach(model, optimizer, bridle.Recipe(bridle.L1({_meant(first):.3g}))), with "
                "an exact proximal step.",
                {
                    "strengths": {entry.name: _meant(entry) for entry in found},
                    "zeros": {entry.name: entry.zeros for entry in found},
                },
            )


def _is_l1(entry: Entry) -> bool:
    return entry.l1_strength > 0 and "proximal" not in entry.parts


def _meant(entry: Entry) -> float:
    """The strength before clipping, which is another one in each step."""
    return sum(entry.l1_sources.values()) or entry.l1_strength
