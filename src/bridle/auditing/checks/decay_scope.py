"""Decay where it does not belong: on biases, norm scales and embeddings."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import pull, repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity


@final
class DecayScope(Check):
    """A penalty or decay acts on biases, norms or embeddings.

    These weights set offsets, scales and rare words; to shrink them costs fit and does not reduce overfitting much.
    """

    name: ClassVar[str] = "decay_scope"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look at every parameter that is no matrix."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        found = [entry for entry in ledger.entries if entry.kind != "matrices" and pull(entry) > 0 and entry.used]
        if observed.run is not None:  # what a regularizer's scope names is meant so
            found = [entry for entry in found if entry.declared > 0]
        if found:
            kinds = {kind: sum(entry.kind == kind for entry in found) for kind in ("biases", "norms", "embeddings")}
            counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
            yield Finding(
                self.name,
                Severity.WARNING,
                f"Decay or a penalty (strength {pull(found[0]):.3g}) acts on {counts}: {some(found)}. "
                f"{_instead(observed, found[0])}",
                {"strengths": {entry.name: pull(entry) for entry in found}},
            )


def _instead(observed: Observed, entry: Entry) -> str:
    """What to write."""
    if observed.run is not None:
        return (
            "training.weight_decay is on every parameter; set it to 0 and write [[regularizers]] name = "
            f'"decoupled_decay", strength = {entry.declared:g}, whose scope is matrices.'
        )
    return (
        "Give the optimizer two groups, matrices with weight_decay and the rest with 0; or weight_decay=0 there and "
        "bridle.attach(model, optimizer, bridle.Recipe(bridle.L2(...))), whose scope is matrices."
    )
