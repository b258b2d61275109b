"""Label smoothing beside a score that reads probabilities."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.auditing.own_run import OwnRun
from bridle.records import Finding, Severity
from bridle.regularizers.targets import LabelSmoothing

PROBABILITIES = ("log_loss", "calibration_error")
"""Metrics that read how sure a prediction is, not which class comes first."""


@final
class SmoothedTargets(Check):
    """Training smooths its labels, and evaluation reads a cross-entropy: smoothed too, or against hard labels."""

    name: ClassVar[str] = "smoothed_targets"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script", "run")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the smoothing of both."""
        if observed.run is not None:
            yield from _in_a_run(self.name, observed.run)
            return
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


def _in_a_run(name: str, run: OwnRun) -> Iterator[Finding]:
    """In a run validation is always against hard labels; what matters is the metric that chose."""
    rates = [rule.at(1.0).rate for rule in run.recipe.of(LabelSmoothing)]
    smoothing = max((float(rate) for rate in rates), default=0.0)
    if smoothing and run.metric in PROBABILITIES:
        message = (
            f"The recipe smooths its labels ({smoothing:g}), and the run is judged by {run.metric}, which asks for the "
            "very confidence that smoothing forbids: it judges smoothing worse than accuracy does. Choose by "
            "--metric accuracy where classes are what counts, or fit a temperature before reading probabilities."
        )
        yield Finding(name, Severity.INFO, message, {"training": smoothing, "metric": run.metric})
