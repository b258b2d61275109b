"""A penalty that was computed, and kept where the loop never looks."""

import re
from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._names import listing
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.auditing.witnessed import Unfelt
from bridle.records import Finding, Severity

PENALTIES = re.compile(r"(^|_)(l[12]|reg|regs|lasso|ridge|decay)(_|$)|regul|penal|loss(es)?$", re.IGNORECASE)
NORMS = re.compile(r"norm", re.IGNORECASE)


@final
class PenaltyNeverAdded(Check):
    """A number with a graph to the weights is kept, by a module or a variable, and no backward pass went through it.

    Called a penalty or a loss it is an error; by any other name it may be there to be read, and is a note. Numbers
    that hang on data as well are told only where a module keeps them under such a name: penalties on activations.
    """

    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """One finding for each place that keeps such numbers."""
        for one in witnessed(observed).unfelt:
            severity = _severity(one)
            if severity is not None:
                yield Finding(self.name, severity, _message(one), {"value": one.value, "weights": list(one.weights)})


def _severity(one: Unfelt) -> Severity | None:
    holder, _, name = one.names[0].rpartition(".")
    called = PENALTIES.search(name) is not None and NORMS.search(name) is None
    if one.of_data:
        return Severity.WARNING if called and holder.startswith("model") else None
    return Severity.ERROR if called else Severity.INFO


def _message(one: Unfelt) -> str:
    numbers = "A number" if one.count == 1 else f"{one.count} numbers"
    added = f"sum({one.names[0]})" if one.listed else one.names[0]
    return (
        f"{numbers} worth {one.value:.4g} in {listing(one.names)}, computed from {listing(one.weights)}, went into no "
        f"backward pass: as a penalty that moves nothing. Write loss = loss + {added} before loss.backward()"
        f"{' and so for each' if len(one.names) > 1 else ''}, or bridle.attach(model, optimizer, recipe). What is "
        "there to be read only, compute under torch.no_grad()."
    )
