"""Probabilities given to a loss that expects logits."""

from collections.abc import Iterator
from typing import ClassVar, final

import torch
from torch import Tensor

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluated import witnessed
from bridle.auditing.observed import Observed
from bridle.auditing.witnessed import LossCall
from bridle.records import Finding, Severity


@final
class SoftmaxBeforeLoss(Check):
    """What the losses of torch were given is looked at: logits, log-probabilities or probabilities."""

    name: ClassVar[str] = "softmax_before_loss"
    seen_in: ClassVar[tuple[str, ...]] = ("audit", "script")

    def look(self, observed: Observed) -> Iterator[Finding]:
        """One finding for each loss that gets what it does not expect."""
        told: set[str] = set()
        for call in witnessed(observed).losses:
            message = _judged(call)
            if message and call.function not in told:
                told.add(call.function)
                numbers = {
                    "loss": call.function,
                    "smallest": call.scores.min().item(),
                    "largest": call.scores.max().item(),
                }
                yield Finding(self.name, Severity.ERROR, message, numbers)


def _judged(call: LossCall) -> str:
    """What is wrong with a call, empty where nothing is."""
    scores = call.scores.float()
    if call.function == "cross_entropy" and _probabilities(scores):
        return (
            "cross_entropy expects logits and was given probabilities (all of 0 or more, each row sums to 1): it takes "
            "the softmax of a softmax, so the loss cannot come near 0 and gradients nearly vanish. Return the logits "
            "from the model in training; take softmax(dim=1) only where probabilities are read."
        )
    if call.function == "nll_loss" and not _log_probabilities(scores):
        given = "probabilities" if _probabilities(scores) else "numbers that are no log-probabilities"
        return (
            f"nll_loss expects log-probabilities and was given {given}: it is not the cross-entropy and can fall "
            "without bound. Write F.nll_loss(F.log_softmax(logits, dim=1), target), or F.cross_entropy(logits, target)."
        )
    if call.function == "binary_cross_entropy_with_logits" and "Sigmoid" in call.made_by and scores.min() >= 0:
        return (
            "binary_cross_entropy_with_logits expects logits and was given the output of a sigmoid: it takes the "
            "sigmoid twice, so no probability leaves 0.5 to 0.73. Return the logits, or use binary_cross_entropy."
        )
    return ""


def _probabilities(scores: Tensor) -> bool:
    """Whether the rows, classes along axis 1 (or the only one), are probabilities of two classes or more."""
    axis = min(1, scores.ndim - 1)
    if scores.shape[axis] < 2 or not scores.numel() or scores.min() < 0:
        return False
    return bool(((scores.sum(axis) - 1).abs() < 1e-3).all())


def _log_probabilities(scores: Tensor) -> bool:
    axis = min(1, scores.ndim - 1)
    return not scores.numel() or bool((torch.logsumexp(scores, axis).abs() < 1e-2).all())
