"""One step of a training of Bridle's own, taken again on a copy of the network that came out of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import final

from torch import Tensor

from bridle.auditing.fits import norm
from bridle.core import Batch, Draws
from bridle.engine.member import MemberTraining
from bridle.engine.optimizers import learning_rate, set_learning_rate
from bridle.engine.setting import Setting
from bridle.engine.trained import load_weights
from bridle.population import Member

WARM = 10
"""Steps that fill the optimizer's state: moments and momentum of a trained network are not those of a new one."""


@final
@dataclass(frozen=True, eq=False)
class OwnStep:
    """A step that can be run any number of times.

    Args:
        training: The copy.
        run: Takes the step: always the same batch, with the same draws.
        sizes: The Euclidean norm of each parameter before the training, by name.
        number: Which step of the training it is, counted from 1.
        steps: How many the whole training takes.
        progress: The share of the training that is done before it.
        rate: Its learning rate.
    """

    training: MemberTraining
    run: Callable[[], object]
    sizes: Mapping[str, float]
    number: int
    steps: int
    progress: float
    rate: float


def own_step(member: Member, setting: Setting, weights: Mapping[str, Tensor], epochs: int) -> OwnStep:
    """The step from the middle of a training, at the weights where the training ended.

    There the learning rate and the schedules are at work, which at the end may have come to nothing.

    Args:
        member: The member; it is built anew, what it left in files is only read.
        setting: What it shares with the others.
        weights: The weights and buffers that it ended with.
        epochs: How many epochs it trained.
    """
    training = MemberTraining(member, setting)
    sizes = {name: norm(weight) for name, weight in training.model.named_parameters()}
    load_weights(training.model, weights)
    training.model.train()
    batches = _batches(training, epochs)
    for batch, draws, progress in islice(batches, WARM):
        _take(training, batch, draws, progress)
    batch, draws, progress = next(batches)
    load_weights(training.model, weights)
    for weight in training.model.parameters():
        weight.grad = None
    rate = learning_rate(training.recipe.training, draws.step, training.course.steps)
    set_learning_rate(training.step.optimizer, rate)
    steps = epochs * training.batches.per_epoch
    return OwnStep(
        training, lambda: _take(training, batch, draws, progress), sizes, draws.step + 1, steps, progress, rate
    )


def _batches(training: MemberTraining, epochs: int) -> Iterator[tuple[Batch, Draws, float]]:
    """The batches from the middle of the training on, over and over."""
    for further in count():
        yield from training.augmented.epoch((epochs // 2 + further) % epochs)


def _take(training: MemberTraining, batch: Batch, draws: Draws, progress: float) -> Tensor:
    rate = learning_rate(training.recipe.training, draws.step, training.course.steps)
    set_learning_rate(training.step.optimizer, rate)
    # A network may change its inputs in place; every run is to see the same ones.
    return training.step(replace(batch, inputs=batch.inputs.clone()), draws, progress)
