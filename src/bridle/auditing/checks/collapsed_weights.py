"""Weights of which training has left nothing."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity

LEFT = 0.01
"""Share of its size before training from which on a matrix has collapsed."""


@final
class CollapsedWeights(Check):
    """The size of each matrix after training is compared with its size before: a strength may have been too large."""

    name: ClassVar[str] = "collapsed_weights"
    seen_in: ClassVar[tuple[str, ...]] = ("run",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with what is left of each."""
        if observed.run is None or observed.ledger is None:
            return
        left = {entry.name: _left(entry, observed.run.sizes.get(entry.name, 0.0)) for entry in observed.ledger.entries}
        found = [entry for entry in observed.ledger.entries if entry.kind == "matrices" and left[entry.name] < LEFT]
        if not found:
            return
        first = min(found, key=lambda entry: left[entry.name])
        how = "nothing but zeros" if left[first.name] == 0 else f"{left[first.name]:.2g} of the size that it began with"
        yield Finding(
            self.name,
            Severity.WARNING,
            f"{some(found)}: training has left {how} of {first.name}. Regularization this strong takes the layer out "
            "of the network. Lower its strength, or leave the layer out.",
            {"left": {entry.name: left[entry.name] for entry in found}},
        )


def _left(entry: Entry, before: float) -> float:
    """The share of its size that a parameter still has; 1 where it began at zero."""
    return entry.size / before if before else 1.0
