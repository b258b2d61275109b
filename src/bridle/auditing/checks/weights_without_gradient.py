"""Parameters given to the optimizer that the loss never reaches."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._names import listing
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class WeightsWithoutGradient(Check):
    """After the first step the optimizer's trainable parameters are asked for their gradients."""

    name: ClassVar[str] = "weights_without_gradient"
    seen_in: ClassVar[tuple[str, ...]] = ("script",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the names."""
        names = witnessed(observed).without_gradient
        if not names:
            return
        message = (
            f"{len(names)} parameters of the optimizer have no gradient after its first step: {listing(names)}. The "
            "loss does not depend on them, so neither data nor a penalty in the optimizer moves them. Use them in "
            "forward(), or leave them out: optimizer = Optimizer(p for p in model.parameters() if p.requires_grad)."
        )
        yield Finding(self.name, Severity.WARNING, message, {"parameters": names})
