"""Label smoothing beside a score that reads probabilities."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.records import Finding, Severity


@final
class SmoothedTargets(Check):
    """Training smooths its labels, and evaluation reads a cross-entropy: smoothed too, or against hard labels."""

    name: ClassVar[str] = "smoothed_targets"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the smoothing of both."""
        calls = [call for call in witnessed(observed).losses if call.function in ("cross_entropy", "nll_loss")]
        training = max((call.label_smoothing for call in calls if not call.evaluation), default=0.0)
        evaluation = [call.label_smoothing for call in calls if call.evaluation]
        if not training or not evaluation:
            return
        smoothed = max(evaluation)
        if smoothed:
            severity, what = (
                Severity.WARNING,
                (
                    f"The validation loss is taken with label_smoothing={smoothed:g}: it has a floor above 0 and is "
                    "no log-loss of the data, so it cannot be compared with a run of other smoothing. Use a second "
                    "loss without smoothing for validation: F.cross_entropy(logits, target)."
                ),
            )
        else:
            severity, what = (
                Severity.INFO,
                (
                    f"Training smooths its labels ({training:g}) and validation reads the log-loss, which asks for "
                    "the very confidence that smoothing forbids: it judges smoothing worse than accuracy does. "
                    "Choose by accuracy, or fit one temperature on validation logits before reading probabilities."
                ),
            )
        yield Finding(self.name, severity, what, {"training": training, "evaluation": smoothed})
