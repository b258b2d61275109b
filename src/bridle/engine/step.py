"""One training step, in the order in which regularizers act; the batch comes augmented."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bridle.core import Averaging, Batch, Draws, Recipe, State, TargetRule
from bridle.engine.again import Again
from bridle.engine.evaluate import Autocast
from bridle.engine.losses import Loss, weighted_mean
from bridle.engine.noise import PlacedNoise
from bridle.engine.penalties import Penalties
from bridle.engine.terms import Terms
from bridle.engine.updates import Updates


@final
@dataclass(eq=False)
class Step:
    """Everything that one step needs, bound to one model.

    Args:
        model: The network.
        recipe: The recipe, nothing free in it.
        optimizer: The optimizer over the network's weights.
        loss: One value per example from (output, target rows).
        penalties: The recipe's penalties on this network's weights.
        noise: The recipe's noise at this network's places.
        terms: The recipe's loss terms on this network; the value of the last step is in ``term``.
        updates: The recipe's update rules on this network's weights.
        averages: The state of each averaging, in the recipe's order.
        autocast: A context for the forward pass.
    """

    model: nn.Module
    recipe: Recipe
    optimizer: Optimizer
    loss: Loss
    penalties: Penalties
    noise: PlacedNoise
    terms: Terms
    updates: Updates
    averages: list[State]
    autocast: Autocast

    def __post_init__(self) -> None:
        """Look the weights up once."""
        self.term = torch.zeros(())
        self._weights = dict(self.model.named_parameters())

    def __call__(self, batch: Batch, draws: Draws, progress: float) -> Tensor:
        """Train on one batch and return its data loss, a scalar without any penalty or term.

        Args:
            batch: The batch, augmented.
            draws: The draws of this member at this step.
            progress: The share of the training that is done, for schedules.
        """
        again = Again(self.model) if self.updates.recompute else nullcontext
        data_loss, self.term = self._gradient(batch, draws, progress)

        def gradient_at() -> None:
            with again():
                self._gradient(batch, draws, progress)

        self.updates.before(draws, progress, gradient_at)
        self.penalties.schedule(progress)
        self.penalties.add_gradients()
        self.optimizer.step()
        self.penalties.proximal_steps()
        self.updates.after()

        for place, averaging in enumerate(self.recipe.of(Averaging)):
            self.averages[place] = averaging.at(progress).update(self.averages[place], self._weights)
        return data_loss

    def _gradient(self, batch: Batch, draws: Draws, progress: float) -> tuple[Tensor, Tensor]:
        """Data loss and loss terms at the present weights; the clipped gradient of their sum is in ``.grad``."""
        self.noise.set(draws, progress)
        with self.autocast():
            output = self.model(batch.inputs)
        targets = batch.targets
        for rule in self.recipe.of(TargetRule):
            targets = rule.at(progress).apply(targets)
        data_loss = weighted_mean(self.loss(output, targets), batch.weights)
        term = self.terms.value(draws, progress, batch.weights)

        for weight in self._weights.values():
            weight.grad = None
        (data_loss + term).backward()
        if self.recipe.training.clip > 0:
            nn.utils.clip_grad_norm_(self._weights.values(), self.recipe.training.clip)
        return data_loss.detach(), term.detach()
