"""A penalty in the loss that scaling or clipping takes away again."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import loss_strength, repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity

UNSCALED = 0.5
CLIPPED = 0.5


@final
class PenaltyLost(Check):
    """Unscaling divides the penalty by the scaler's factor, or clipping shrinks it with the data's gradient."""

    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look at the scaler first, then at clipping."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        penalised = [entry for entry in ledger.entries if {"loss"} & {*entry.sources, *entry.l1_sources}]
        if penalised and ledger.scaled > UNSCALED:
            strength = loss_strength(penalised[0])
            is_ = f"{strength:.3g} instead of {strength * ledger.scale:.3g}" if strength else "as much too small"
            yield Finding(
                self.name,
                Severity.ERROR,
                f"The penalty's gradient is not scaled with the loss, and unscaling divides it by {ledger.scale:g}: "
                f"its strength on {some(penalised)} is {is_}. Write scaler.scale(loss + penalty).backward(), or "
                "bridle.attach(model, optimizer, recipe).",
                {"scale": ledger.scale, "strength": strength},
            )
        lost = [entry for entry in penalised if entry.clip < CLIPPED]
        if lost:
            first = min(lost, key=lambda entry: entry.clip)
            strength = loss_strength(first)
            left = f"{strength * first.clip:.3g} of {strength:.3g}" if strength else f"{first.clip:.3g} of itself"
            yield Finding(
                self.name,
                Severity.WARNING,
                f"Clipping takes the penalty with it: on {first.name} its strength is {left} in this step, and varies "
                "with the data's gradient. Clip before the penalty is added: bridle.attach(model, optimizer, recipe) "
                "does.",
                {"clip": {entry.name: entry.clip for entry in lost}},
            )
        if ledger.clipped_scaled:
            yield Finding(
                self.name,
                Severity.ERROR,
                f"Gradients are clipped while they are still multiplied by the scaler's factor {ledger.scale:g}: the "
                f"bound is {ledger.scale:g} times too small. Call scaler.unscale_(optimizer) before clipping.",
                {"scale": ledger.scale},
            )
