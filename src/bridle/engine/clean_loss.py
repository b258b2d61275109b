"""The data loss over all training rows, with augmentation and noise off."""

from typing import final

import torch
from torch import nn

from bridle.core import Recipe, TargetRule
from bridle.engine.examples import Batches
from bridle.engine.losses import Loss, weighted_mean


@final
class CleanLoss:
    """The mean data loss of a network in evaluation mode, and its gradient.

    Args:
        model: The network.
        recipe: Its recipe; the rules for targets count as at the end of the training.
        loss: One value per example.
        batches: Its training rows.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, loss: Loss, batches: Batches) -> None:
        self._model, self._loss, self._batches = model, loss, batches
        self._rules = [rule.at(1.0) for rule in recipe.of(TargetRule)]

    def __call__(self, gradients: bool) -> float:
        """The loss; with ``gradients`` the weights' ``.grad`` is its gradient afterwards."""
        was_training = self._model.training
        self._model.eval()
        for weight in self._model.parameters() if gradients else ():
            weight.grad = None
        total = 0.0
        with torch.set_grad_enabled(gradients):
            for batch, share in self._batches.clean():
                targets = batch.targets
                for rule in self._rules:
                    targets = rule.apply(targets)
                part = share * weighted_mean(self._loss(self._model(batch.inputs), targets), batch.weights)
                if gradients:
                    part.backward()
                total += float(part.detach())
        self._model.train(was_training)
        return total
