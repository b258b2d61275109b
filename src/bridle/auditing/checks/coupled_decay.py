"""weight_decay that an adaptive optimizer turns into something else."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Finding, Severity

PROPORTIONAL = 0.99


@final
class CoupledDecay(Check):
    """``weight_decay`` enters the gradient, and the optimizer divides it by the gradients' size like all the rest."""

    name: ClassVar[str] = "coupled_decay"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Compare how the weights shrank with a share of the weights."""
        ledger = repeatable(observed)
        if ledger is None or ledger.form != "coupled":
            return
        found = [entry for entry in ledger.entries if set(entry.sources) == {"optimizer"} and _is_reshaped(entry)]
        if found:
            first = max(found, key=lambda entry: entry.size)
            declared, part = first.declared, first.parts["penalty"]
            yield Finding(
                self.name,
                Severity.WARNING,
                f"{ledger.optimizer}(weight_decay={declared:g}) is coupled: an L2 penalty of canonical strength "
                f"{first.sources['optimizer']:.3g}, which it rescales for each weight. On {some(found)} it "
                f"is no decay: {first.name} lost {part.shrink:.2g} of itself in this step, where decoupled decay takes "
                f"learning rate * weight_decay = {first.rate * declared:.2g}. If decay was meant: "
                f"torch.optim.AdamW(..., weight_decay={declared:g}), or bridle.DecoupledDecay({declared:g}); if L2 was "
                f"meant, say so: weight_decay=0 and bridle.L2({first.sources['optimizer']:.3g}).",
                {
                    "canonical_strength": first.sources["optimizer"],
                    "shrink": part.shrink,
                    "decoupled_shrink": first.rate * declared,
                    "fit": part.fit,
                },
            )


def _is_reshaped(entry: Entry) -> bool:
    return "penalty" in entry.parts and entry.parts["penalty"].fit < PROPORTIONAL
