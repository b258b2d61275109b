"""A penalty in the loss that no weight feels."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class PenaltyWithoutGradient(Check):
    """While the model was trained, a number made from weights without their graph was added to the loss."""

    name: ClassVar[str] = "penalty_without_gradient"
    seen_in: ClassVar[tuple[str, ...]] = ("script",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the first such sum."""
        found = [sum_ for sum_ in witnessed(observed).sums if not sum_.evaluation and not sum_.gradient]
        if not found:
            return
        one = found[0]
        message = (
            f"A penalty of {one.value:.4g} was added to a loss of {one.loss:.4g}, but it carries no gradient: it was "
            "computed from .data, .detach(), state_dict() or frozen weights, so it changes the number that is "
            "printed and no weight. Compute it from model.parameters() themselves, outside torch.no_grad()."
        )
        yield Finding(self.name, Severity.ERROR, message, {"penalty": one.value, "loss": one.loss})
