"""weight_decay that an adaptive optimizer turns into something else."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._amount import amount_of
from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import repeatable
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity

EQUAL = 0.1
"""Weights whose decay differs by less than this share of its mean decay alike: it is decay by another name."""
UNEQUAL = 0.5
"""From this share on, or where the mean is less than half or more than twice the decoupled one, it is no decay."""


@final
class CoupledDecay(Check):
    """``weight_decay`` enters the gradient, and the optimizer divides it by the gradients' size like all the rest."""

    name: ClassVar[str] = "coupled_decay"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Compare how the weights shrank with a share of the weights, between weights and between parameters."""
        ledger = repeatable(observed)
        found = [entry for entry in ledger.entries if _decays_alone(entry)] if ledger is not None else []
        amount = amount_of(found)
        if ledger is None or amount is None or amount.spread < EQUAL:
            return
        first = max(found, key=lambda entry: entry.size)
        declared, canonical = first.declared, first.sources["optimizer"]
        equal = amount.spread < UNEQUAL and 0.5 <= amount.mean <= 2.0
        instead = f"{amount.mean * declared:.2g} takes as much on average" if amount.mean > 0 else "0 takes no less"
        yield Finding(
            self.name,
            Severity.INFO if equal else Severity.WARNING,
            f"{ledger.optimizer}(weight_decay={declared:g}) is coupled: an L2 penalty of canonical strength "
            f"{canonical:.3g}, whose gradient the optimizer rescales for each weight. In this step it took "
            f"{amount.mean:.2g} times what decoupled decay takes (learning rate * weight_decay = "
            f"{first.rate * declared:.2g} of each weight), give or take {amount.spread:.0%} between weights: "
            f"{amount.least[1]:.2g} times on {amount.least[0]}, {amount.most[1]:.2g} times on {amount.most[0]}. If "
            f"decay was meant: torch.optim.AdamW(..., weight_decay={declared:g}), or bridle.DecoupledDecay("
            f"{declared:g}); {instead}. If L2 was meant, say so: weight_decay=0 and bridle.L2({canonical:.3g}).",
            {
                "canonical_strength": canonical,
                "amount": amount.mean,
                "spread": amount.spread,
                "least": dict([amount.least]),
                "most": dict([amount.most]),
                "decoupled_shrink": first.rate * declared,
            },
        )


def _decays_alone(entry: Entry) -> bool:
    """Whether the optimizer's own decay is all that pulls on it, so that the part is the decay's."""
    alone = set(entry.sources) == {"optimizer"} and not entry.l1_sources
    return alone and "penalty" in entry.parts and entry.size > 0 and entry.rate * entry.declared > 0
