"""What a strategy is: which recipes a round tries, and how far each of them is trained."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, final

from bridle.core import Recipe
from bridle.core.draws import key

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

Values: TypeAlias = dict[str, Any]
"""A recipe of a space: the values of its free dials by address."""


@final
@dataclass(frozen=True, eq=False)
class Round:
    """What a strategy may know when it is asked for a round.

    Args:
        space: The recipe with free dials.
        number: The round, counted from 0.
        start: The number of the round's first recipe: how many the search has asked before.
        size: How many recipes are wanted.
        told: The trials that are told, of all searches that share the study, in the order of the database.
        running: The trials that other searches are training now.
        first: Values for the round's first recipes; what they leave open is the strategy's.
        seed: The search's seed.
        search: Tells the searches of a shared study apart; empty where there is one only.
        maximize: Whether a higher score is better.
    """

    space: Recipe
    number: int
    start: int
    size: int
    told: Sequence["FrozenTrial"] = ()
    running: Sequence["FrozenTrial"] = ()
    first: Sequence[Mapping[str, Any]] = ()
    seed: int = 0
    search: str = ""
    maximize: bool = False

    @property
    def seen(self) -> list[Values]:
        """The recipes that were asked before."""
        return [trial.params for trial in (*self.told, *self.running)]

    def key(self, *parts: int | str) -> int:
        """A key for draws, of this search alone."""
        return key("search", self.seed, *((self.search,) if self.search else ()), *parts)


@final
@dataclass(frozen=True)
class Bracket:
    """How many recipes a round tries, and how far they are trained.

    All are trained to the first rung; the best ``1 / eta`` of them go on to the next, and so on. The training itself
    knows nothing of rungs: a recipe pauses and goes on, on the schedule of its full length.

    Args:
        size: Recipes at the start.
        rungs: The epochs at which recipes are compared, ascending; the last is the full length.
        eta: The factor by which recipes become fewer from rung to rung.
    """

    size: int
    rungs: tuple[int, ...]
    eta: int = 1

    def counts(self, size: int) -> list[int]:
        """How many of ``size`` recipes are trained to each rung: at least one to the last."""
        return [max(size // self.eta**rung, 1) for rung in range(len(self.rungs))]

    def epochs(self, size: int) -> int:
        """The epochs that ``size`` recipes take at most, on one fold with one seed."""
        steps = [self.rungs[0], *(high - low for low, high in zip(self.rungs, self.rungs[1:], strict=False))]
        return sum(count * step for count, step in zip(self.counts(size), steps, strict=True))


class Strategy(ABC):
    """Decides which recipes a search tries.

    A round's recipes are a pure function of the :class:`Round`, so that a search which was killed asks them again.

    ``follows`` says that each recipe starts from the weights of the one before, on the same fold with the same seed.
    """

    follows: ClassVar[bool] = False

    @abstractmethod
    def bracket(self, number: int, epochs: int) -> Bracket:
        """How many recipes round ``number`` tries at most, where a recipe trains up to ``epochs`` epochs."""

    @abstractmethod
    def propose(self, asked: Round) -> list[Values]:
        """Up to ``asked.size`` recipes that were not tried before; fewer, or none, where there are no more."""

    @abstractmethod
    def trials(self, space: Recipe, epochs: int) -> int | None:
        """How many recipes it tries where no budget is given; ``None`` for a number that fits the data."""


def geometric(eta: int, epochs: int, most: int) -> tuple[int, ...]:
    """Up to ``most`` rungs below and at ``epochs``, each about ``1 / eta`` of the next, and at least one epoch."""
    rungs = [epochs]
    while len(rungs) < most and epochs >= eta ** len(rungs):
        rungs.append(round(epochs / eta ** len(rungs)))
    return tuple(reversed(rungs))
