"""An evaluation that runs in training mode."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class TrainingModeInEvaluation(Check):
    """The model was called without gradients, but in training mode, with dropout or batch normalisation in it."""

    name: ClassVar[str] = "training_mode_in_evaluation"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the number of calls and of the modules that acted."""
        calls = [call for call in witnessed(observed).training_calls if call.dropouts or call.norms]
        if not calls:
            return
        one = calls[0]
        message = (
            f"{one.model} was called {len(calls)} times without gradients while in training mode: {one.dropouts} "
            f"dropout modules acted and {one.norms} batch norms updated their statistics. The scores are those of a "
            "noisy model, and evaluated rows enter its statistics. Write model.eval() before the evaluation and "
            "model.train() after it."
        )
        numbers = {"calls": len(calls), "dropouts": one.dropouts, "norms": one.norms}
        yield Finding(self.name, Severity.ERROR, message, numbers)
