"""The optimizer and the learning rate that a recipe's training settings ask for."""

import math
from collections.abc import Iterable

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from bridle.core import Training


def build(weights: Iterable[nn.Parameter], training: Training) -> Optimizer:
    """The optimizer over all trainable weights, fused."""
    weights = [weight for weight in weights if weight.requires_grad]
    if training.optimizer == "sgd":
        return SGD(weights, lr=training.learning_rate, momentum=training.momentum, fused=True)
    return AdamW(weights, lr=training.learning_rate, weight_decay=training.weight_decay, fused=True)


def learning_rate(training: Training, step: int, steps: int) -> float:
    """The learning rate at ``step`` (counted from 0) of ``steps``: a linear warm-up, then the schedule."""
    warm = training.warmup * steps
    if step < warm:
        return training.learning_rate * (step + 1) / (warm + 1)
    share = (step - warm) / max(steps - warm, 1)
    factor = {"constant": 1.0, "linear": 1.0 - share, "cosine": (1.0 + math.cos(math.pi * share)) / 2.0}
    return training.learning_rate * factor[training.schedule]


def set_learning_rate(optimizer: Optimizer, value: float) -> None:
    """Give every parameter group the learning rate ``value``."""
    for group in optimizer.param_groups:
        group["lr"] = value
