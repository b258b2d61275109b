"""One member's place in a pack: its course, and its recipe bound to a network of its kind."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from torch import Tensor, nn
from torch.optim import Optimizer

from bridle.core import Augmentation, Averaging, Recipe
from bridle.engine.course import Course
from bridle.engine.optimizers import build
from bridle.engine.penalties import Penalties
from bridle.engine.updates import Updates
from bridle.population.stack import Tensors


@final
class Bound:
    """A recipe's penalties and update rules on the weights of a network: which act where.

    Args:
        model: A network of the members' kind; its weights are only named, never changed.
        recipe: The recipe.

    Raises:
        BridleError: If the recipe does not fit the network.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.optimizer: Optimizer = build(model.parameters(), recipe.training)
        self.penalties = Penalties(model, self.optimizer, recipe)
        self.updates = Updates(model, self.optimizer, recipe)


@final
@dataclass(eq=False)
class Slot:
    """A member in a pack.

    Args:
        course: Its course.
        bound: Its recipe bound to a network of its kind.
        best: The weights and buffers that a stop rule found best, where they are to be kept.
        failure: What ended it before its time.
        total: The sum of its data losses over the examples of this epoch.
        examples: How many there were.
        seconds: Its share of the time that its pack took.
        parts: What it carries, part by part, until it has a row in the pack.
    """

    course: Course
    bound: Bound
    best: dict[str, Tensor] | None = None
    failure: Exception | None = None
    total: float = 0.0
    examples: int = 0
    seconds: float = 0.0
    parts: dict[str, Tensors] | None = None

    @property
    def recipe(self) -> Recipe:
        """The member's recipe."""
        return self.course.recipe

    @cached_property
    def _source(self) -> Hashable:
        member, training = self.course.member, self.recipe.training
        augmentations = repr(self.recipe.of(Augmentation))
        scheduled = training.epochs if any(item.moves for item in self.recipe.of(Augmentation)) else 0
        return (
            member.seed,
            member.fold.number,
            member.fold.digest,
            augmentations,
            scheduled,
            (training.batch_size, training.expand, training.class_weights),
        )

    @property
    def stream(self) -> Hashable:
        """What this epoch's batches depend on: members for which it is equal are given the same."""
        return (self._source, self.course.epoch, self.course.steps)

    @property
    def steps(self) -> int:
        """The number of steps made in the epochs that have ended."""
        return self.course.epoch * self.course.batches.per_epoch

    @property
    def last_step(self) -> int:
        """The last step of the present epoch, counted from 0."""
        return self.steps + self.course.batches.per_epoch - 1

    def note(self, loss: float, examples: int, step: int) -> None:
        """Take the data loss of a step; the first that is not finite ends the member."""
        if self.failure is None:
            try:
                self.course.check_loss(loss, step)
            except ArithmeticError as error:
                self.failure = error
        self.total, self.examples = self.total + loss * examples, self.examples + examples

    @property
    def order(self) -> tuple[Any, ...]:
        """What rows are sorted by: longer epochs first, then so that members with equal rates lie side by side."""
        member, training = self.course.member, self.recipe.training
        return (
            -self.course.batches.per_epoch,
            len(self.recipe.of(Averaging)),
            (training.learning_rate, training.weight_decay, training.momentum, self.course.epoch),
            (-self.course.batches.total, member.candidate, member.fold.number, member.seed),
        )
