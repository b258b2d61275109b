"""Two forward passes differ in evaluation mode, and no functional dropout is the cause."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import evaluated
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class NoiseInEvaluation(Check):
    """The model is called twice after ``model.eval()`` on one batch; a trained model must answer the same."""

    name: ClassVar[str] = "noise_in_evaluation"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the difference between the two outputs."""
        seen = evaluated(observed)
        if seen is None or not seen.differs or any(not call.module for call in seen.dropouts):
            return
        rates = sorted({call.rate for call in seen.dropouts})
        cause = (
            f"Dropout modules (rate {', '.join(f'{rate:g}' for rate in rates)}) stay in training mode."
            if rates
            else "Something random acts whatever the mode; a model that samples by design is better scored at its mean."
        )
        message = (
            f"In evaluation mode two calls of {type(observed.model).__name__} on the same batch differ by up to "
            f"{seen.difference:.3g} (outputs up to {seen.scale:.3g}). {cause} Validation scores are those of a noisy "
            "model and no two agree. Let eval() reach every module: do not override train() or eval() without "
            "super(), keep submodules in attributes, ModuleList or ModuleDict, and draw noise under `if "
            "self.training:` only."
        )
        numbers = {"difference": seen.difference, "scale": seen.scale, "rates": rates}
        yield Finding(self.name, Severity.ERROR if rates else Severity.WARNING, message, numbers)
