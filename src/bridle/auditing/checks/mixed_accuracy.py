"""Accuracy read under mixed targets."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, final

import torch

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.auditing.witnessed import LossCall
from bridle.records import Finding, Severity


@final
class MixedAccuracy(Check):
    """A step whose targets are mixtures (mixup, cutmix) counts right answers: no model could have them all right."""

    name: ClassVar[str] = "mixed_accuracy"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the accuracy that was read and the share of mixed rows."""
        seen = witnessed(observed)
        share = _mixed([call for call in seen.losses if not call.evaluation])
        if not seen.accuracies or not share:
            return
        read = seen.accuracies[0]
        message = (
            f"An accuracy of {read:.0%} was read while {share:.0%} of the targets were mixtures of two classes. On "
            "mixed rows it cannot reach 100% and says nothing about fitting: training looks worse than validation. "
            "Read training accuracy on rows without mixing, in eval(), after the epoch."
        )
        yield Finding(self.name, Severity.WARNING, message, {"accuracy": read, "mixed": share})


def _mixed(calls: list[LossCall]) -> float:
    """The largest share of rows with two classes: in soft targets, or in two losses of the same scores."""
    share = 0.0
    same: dict[int, list[LossCall]] = defaultdict(list)
    for call in calls:
        if call.function != "cross_entropy" or call.target is None:
            continue
        if call.target.is_floating_point() and call.target.shape == call.scores.shape:
            share = max(share, (call.target > 0.02).sum(1).eq(2).float().mean().item())
        elif not call.target.is_floating_point():
            same[call.scores.data_ptr()].append(call)
    for group in same.values():
        for one, other in pairwise(group):
            if one.target is not None and other.target is not None and one.target.shape == other.target.shape:
                share = max(share, torch.ne(one.target, other.target).float().mean().item())
    return share
