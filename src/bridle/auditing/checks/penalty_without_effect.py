"""A penalty that is part of the loss's value and moves nothing."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import pull, repeatable, some
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity

UNEXPLAINED = 0.2


@final
class PenaltyWithoutEffect(Check):
    """The loss changes with weights that it gives no gradient to, or a penalty shrinks weights that nothing uses."""

    seen_in: ClassVar[tuple[str, ...]] = ("audit", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """Look for values without gradients, then for penalised weights that the outputs do not depend on."""
        ledger = repeatable(observed)
        if ledger is None:
            return
        if ledger.without_gradient > UNEXPLAINED:
            held = {entry.name: entry for entry in ledger.entries}
            weights = [held[name] for name in ledger.without_gradient_weights if name in held]
            frozen = bool(weights) and not any(entry.trained for entry in weights)
            why = (
                "These weights are frozen: leave them out of the penalty"
                if frozen
                else "It is computed from .data, .detach(), .item(), state_dict() or under no_grad: write "
                "sum(w.square().sum() for w in model.parameters()), or bridle.attach(model, optimizer, recipe)"
            )
            yield Finding(
                self.name,
                Severity.ERROR,
                f"The loss changes with {some(weights) or 'the weights'} while the outputs stay the same, and "
                f"{ledger.without_gradient:.0%} of that change has no gradient: a penalty that is in the loss and not "
                f"in the training. {why}.",
                {"without_gradient": ledger.without_gradient, "weights": [entry.name for entry in weights]},
            )
        unused = [entry for entry in ledger.entries if entry.used is False and pull(entry) > 0]
        if unused:
            yield Finding(
                self.name,
                Severity.WARNING,
                f"A penalty of strength {pull(unused[0]):.3g} shrinks {some(unused)}, on which the outputs of the "
                "model do not depend: it regularizes nothing. Penalise the weights that the model uses, or use these.",
                {"weights": {entry.name: pull(entry) for entry in unused}},
            )
