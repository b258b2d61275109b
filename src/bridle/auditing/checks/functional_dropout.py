"""Functional dropout that goes on in evaluation mode."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import evaluated
from bridle.auditing.observed import Observed
from bridle.auditing.watch import ATTENTION
from bridle.records import Finding, Severity


@final
class FunctionalDropout(Check):
    """Dropout called as a function is not switched off by ``eval()``: it must be told."""

    name: ClassVar[str] = "functional_dropout"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """One finding for each function, rate and class that calls it."""
        seen = evaluated(observed)
        if seen is None:
            return
        for call in sorted(seen.dropouts, key=lambda call: (call.owner, call.function, call.rate)):
            if call.module:
                continue
            instead = (
                "dropout_p=rate if self.training else 0.0"
                if call.function == ATTENTION
                else f"F.{call.function}(x, rate, training=self.training)"
            )
            message = (
                f"{call.owner} calls {call.function} with rate {call.rate:g} although the model is in evaluation mode; "
                f"two outputs for the same batch differ by up to {seen.difference:.3g}. A function does not know about "
                f"eval(). Write {instead}, or use a dropout module."
            )
            numbers = {"rate": call.rate, "difference": seen.difference, "owner": call.owner, "function": call.function}
            yield Finding(self.name, Severity.ERROR, message, numbers)
