"""A penalty in the loss that scaling or clipping takes away again."""

from collections.abc import Iterator
from typing import final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity

UNSCALED = 0.5
CLIPPED = 0.5


@final
class PenaltyLost(Check):
    """Unscaling divides the penalty by the scaler's factor, or clipping shrinks it with the data's gradient."""

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look at the scaler first, then at clipping."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        penalised = [entry for entry in ledger.entries if entry.sources.get("loss", 0.0) > 0]
        if penalised and ledger.scaled > UNSCALED:
            yield Finding(
                self.name,
                Severity.ERROR,
                f"The penalty's gradient is not scaled with the loss, and unscaling divides it by {ledger.scale:g}: "
                f"its strength on {some(penalised)} is {penalised[0].sources['loss']:.3g} instead of "
                f"{penalised[0].sources['loss'] * ledger.scale:.3g}. Write scaler.scale(loss + penalty).backward(), or "
                "bridle.attach(model, optimizer, recipe).",
                {"scale": ledger.scale, "strength": penalised[0].sources["loss"]},
            )
        lost = [entry for entry in penalised if entry.clip < CLIPPED]
        if lost:
            first = min(lost, key=lambda entry: entry.clip)
            yield Finding(
                self.name,
                Severity.WARNING,
                f"Clipping takes the penalty with it: on {first.name} its strength is {first.strength:.3g} of "
                f"{first.sources['loss']:.3g} in this step, and varies with the data's gradient. Clip before the "
                "penalty is added: bridle.attach(model, optimizer, recipe) does.",
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
