"""L1 by its gradient, which makes no exact zeros."""

import math
from collections.abc import Iterator
from typing import final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity

SIGNS = 0.99


@final
class L1WithoutZeros(Check):
    """The penalty's gradient is the weights' signs and no proximal step follows: weights hover around zero."""

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look for gradients that are a multiple of the signs."""
        ledger = observed.ledger
        entries = ledger.entries if ledger is not None else ()
        found = [entry for entry in entries if _is_l1(entry)]
        if found:
            first = found[0]
            yield Finding(
                self.name,
                Severity.WARNING,
                f"L1 (strength {first.l1_strength:.3g}) acts on {some(found)} by its gradient "
                f"alone: weights cross zero and never stay there (exact zeros now: {first.zeros:.1%}). Where zeros "
                f"are meant: bridle.attach(model, optimizer, bridle.Recipe(bridle.L1({first.l1_strength:.3g}))), with "
                "an exact proximal step.",
                {
                    "strengths": {entry.name: entry.l1_strength for entry in found},
                    "zeros": {entry.name: entry.zeros for entry in found},
                },
            )


def _is_l1(entry: Entry) -> bool:
    many = math.prod(entry.shape) > 2  # of one or two numbers a sign is a multiple of the weights
    signs = entry.l1_fit > SIGNS and entry.l1_fit > entry.fit and entry.l1_strength > 0
    return many and signs and "proximal" not in entry.parts
