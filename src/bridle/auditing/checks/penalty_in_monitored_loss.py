"""A function of the weights in the validation loss."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class PenaltyInMonitoredLoss(Check):
    """While the model was evaluated, a number made from its weights was added to a loss."""

    name: ClassVar[str] = "penalty_in_monitored_loss"
    seen_in: ClassVar[tuple[str, ...]] = ("script",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the first such sum."""
        found = [sum_ for sum_ in witnessed(observed).sums if sum_.evaluation]
        if not found:
            return
        one = found[0]
        message = (
            f"The validation loss contains a penalty on the weights: {one.value:.4g} was added to {one.loss:.4g}. It "
            "falls as weights shrink, whatever the predictions do, so early stopping and search on it prefer small "
            "weights to good ones. Keep two numbers: monitor the data loss, and report the penalty beside it."
        )
        yield Finding(self.name, Severity.ERROR, message, {"penalty": one.value, "loss": one.loss})
