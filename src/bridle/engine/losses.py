"""The data loss: one value per example."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from bridle.errors import ModelError
from bridle.records import Task

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A function of (output, target) that gives one value per example, ``(B,)``."""


def wide(output: Tensor) -> Tensor:
    """Outputs in float32, in float64 where they are: a loss in half precision would lose what training needs."""
    return output.to(torch.promote_types(output.dtype, torch.float32))


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """``-sum_c target_c log softmax(output)_c``, from ``(B, C)`` logits and rows of probabilities."""
    return -(target * functional.log_softmax(wide(output), dim=1)).sum(1)


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """``sum (output - target)^2``, from ``(B, 1)`` tensors, without a half (as in torch and Keras)."""
    return (wide(output) - target).square().sum(1)


def user_loss(function: Loss, task: Task, *, hard: bool) -> Loss:
    """A user's loss, given its targets in the usual form, its result checked.

    Args:
        function: The user's function. For classes its target is ``(B,)`` class numbers, or ``(B, C)`` rows of
            probabilities where the recipe mixes or smooths targets; for regression ``(B,)`` standardised numbers, with
            an output ``(B,)``. Outputs come in float32 (or float64) also where the forward pass is autocast.
        task: Classification or regression.
        hard: Whether every target row has a single class.
    """

    def loss(output: Tensor, target: Tensor) -> Tensor:
        output = wide(output)
        if task is Task.CLASSIFICATION:
            value = function(output, target.argmax(1) if hard else target)
        else:
            value = function(output.squeeze(1), target.squeeze(1))
        if not isinstance(value, Tensor) or value.shape != (len(output),):
            got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ModelError(
                f"The loss must give one value per example, shape ({len(output)},); got {got}. "
                "With torch's losses write reduction='none'."
            )
        return value

    return loss


def default_loss(task: Task) -> Loss:
    """Cross-entropy for classes, squared error for a number."""
    return cross_entropy if task is Task.CLASSIFICATION else squared_error


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """``mean_i weights_i * losses_i``: the data loss of a batch."""
    return torch.mean(losses * weights)
