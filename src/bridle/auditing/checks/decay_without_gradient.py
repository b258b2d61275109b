"""Decay of weights that the data does not train."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import is_pulled, repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity


@final
class DecayWithoutGradient(Check):
    """Frozen weights (by a zero gradient), or rows of an embedding that no example touched, shrink all the same."""

    name: ClassVar[str] = "decay_without_gradient"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look for movement without a gradient from the data."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        # Behind weights that begin at zero, as in low-rank adapters, there is no gradient in the first step only.
        gated = any(
            entry.zeros == 1.0 and entry.kind in ("matrices", "norms") and entry.data_gradient > 0
            for entry in ledger.entries
        )
        idle = [entry for entry in ledger.entries if entry.data_gradient == 0.0 and is_pulled(entry) and not gated]
        if idle:
            yield Finding(
                self.name,
                Severity.WARNING,
                f"{some(idle)}: no gradient from the data, and still moved by decay or a penalty; in time they go to "
                "zero. To freeze a weight, set requires_grad_(False) and leave its gradient None "
                "(optimizer.zero_grad(set_to_none=True)), or keep it out of the optimizer.",
                {"weights": [entry.name for entry in idle]},
            )
        rows = [entry for entry in ledger.entries if _has_idle_rows(entry) and entry not in idle]
        if rows:
            first = rows[0]
            yield Finding(
                self.name,
                Severity.WARNING,
                f"{first.name}: {first.idle_rows} of {first.shape[0]} rows got no gradient in this step and shrank; "
                "rare rows decay the most. Leave embeddings out of the decay, or penalise the rows of the batch only.",
                {"rows": {entry.name: entry.idle_rows for entry in rows}},
            )


def _has_idle_rows(entry: Entry) -> bool:
    return entry.kind == "embeddings" and entry.idle_rows > 0
