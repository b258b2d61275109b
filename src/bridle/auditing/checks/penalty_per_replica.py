"""A penalty that counts once for each process."""

from collections.abc import Iterator
from typing import final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import loss_strength
from bridle.auditing.observed import Observed
from bridle.records import Finding, Ledger, Severity

NEAR = 0.01
"""Factors that differ by less than this share are the same one."""


@final
class PenaltyPerReplica(Check):
    """The data loss is divided by the number of processes, the penalty beside it is not."""

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Compare what the data loss and the penalty are divided by."""
        ledger = observed.ledger
        if ledger is None or ledger.processes < 2 or not ledger.penalty_passes:
            return
        count, data_weight = ledger.processes, ledger.data_weight / ledger.replicas
        in_full = ledger.penalty_passes * ledger.root >= 1.0 - NEAR
        if not (in_full and abs(data_weight * count - 1.0) <= NEAR):  # nor where one of them is not known
            return
        strengths = {entry.name: value for entry in ledger.entries if (value := loss_strength(entry)) > 0}
        name = next(iter(strengths), "")
        yield Finding(
            self.name,
            Severity.WARNING,
            f"The data loss of each of {count} processes is divided by {count}, the penalty beside it is not, so it "
            f"counts {count} times as much as it says{f': {strengths[name]:.3g} on {name}' if name else ''}. "
            f"{_instead(ledger)} Or bridle.attach(model, optimizer, recipe): it adds the penalty once per step, in "
            "whichever number of processes.",
            {"processes": count, "replicas": ledger.replicas, "strengths": strengths},
        )


def _instead(ledger: Ledger) -> str:
    if abs(ledger.replicas - 1.0) <= NEAR:
        return "Gradients are averaged over processes already: write (data_loss + penalty).backward(), undivided."
    return f"Divide the sum: ((data_loss + penalty) / {ledger.processes}).backward()."
