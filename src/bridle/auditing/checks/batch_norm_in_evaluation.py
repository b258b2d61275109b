"""Statistics of batch normalisation that move in evaluation mode."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import evaluated
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@final
class BatchNormInEvaluation(Check):
    """Running means and variances must stand still after ``model.eval()``: validation rows must not enter the model."""

    name: ClassVar[str] = "batch_norm_in_evaluation"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the buffers that moved."""
        seen = evaluated(observed)
        moved = [name for name in seen.moved if name.rpartition(".")[2] in STATISTICS] if seen else []
        if not moved:
            return
        message = (
            f"In evaluation mode a forward pass changes {len(moved)} buffers of batch normalisation, {moved[0]} first: "
            "validation rows train the model, and a row's output depends on its batch. Let eval() reach the layer (no "
            "train() after it, no overridden train()), and call F.batch_norm with training=self.training."
        )
        yield Finding(self.name, Severity.ERROR, message, {"buffers": moved})
