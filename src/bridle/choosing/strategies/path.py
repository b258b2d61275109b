"""The path of one penalty over its strengths, with warm starts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

from bridle.choosing.strategies._base import Bracket, Round, Strategy, Values
from bridle.core import Penalty, Recipe
from bridle.errors import SearchError
from bridle.records import Candidate

RATE = "training.learning_rate"
FOLLOWING, LEAST = 2, 3
"""All steps but the first begin with weights that are nearly right: together they take so many times its epochs, and
each so many at least."""


@final
class Path(Strategy):
    """One strength after the other; each training starts from the weights of the one before, on the same fold.

    The first takes all epochs, the others together twice as many, each with the whole schedule of the learning rate in
    its own: a path costs three trainings, however many strengths it has.
    A warm start makes the score of a strength one of the whole path up to it, so the refit walks that path too.

    Args:
        address: The strength's address, such as ``"l1.strength"``.
        strengths: The strengths, in the order of the path.
        fixed: The values of what else is free: the learning rate, by its address.

    Reference: Friedman, Hastie and Tibshirani 2010, "Regularization paths for generalized linear models via coordinate
    descent"; from dense to sparse as in Lemhadri, Ruan, Abraham and Tibshirani 2021, "LassoNet".
    """

    follows: ClassVar[bool] = True

    def __init__(self, address: str, strengths: Sequence[float], fixed: Mapping[str, Any] | None = None) -> None:
        self._path = [{**(fixed or {}), address: float(strength)} for strength in strengths]

    def bracket(self, number: int, epochs: int) -> Bracket:
        """One strength, trained to the end; each step is a round."""
        each = max(LEAST, FOLLOWING * epochs // max(1, len(self._path) - 1))
        return Bracket(1, (min(each, epochs) if number else epochs,))

    def propose(self, asked: Round) -> list[Values]:
        """The next strength."""
        return self._path[asked.start : asked.start + asked.size]

    def trials(self, space: Recipe, epochs: int) -> int:  # noqa: ARG002 - the whole path
        """All strengths."""
        return len(self._path)


def path_dial(space: Recipe) -> tuple[str, str]:
    """The key of the penalty and the name of the dial that a path goes along.

    Raises:
        SearchError: If anything but one dial of a penalty, and perhaps the learning rate, is free.
    """
    free = [address for address in space.free() if address != RATE]
    dials = {(item.key, name) for item in space.of(Penalty) for name in item.free()}
    key, _, name = free[0].rpartition(".") if len(free) == 1 else ("", "", "")
    if (key, name) not in dials:
        raise SearchError(
            "A path goes along one dial of one penalty, such as l1.strength; besides it only training.learning_rate "
            "may be free, which then takes the rate that did best without regularization. Free are "
            f"{', '.join(space.free())}. Fix the others, or choose another strategy."
        )
    return key, name


def path_to(candidates: Sequence[Candidate], chosen: Candidate) -> list[int]:
    """The numbers of the candidates from whose weights ``chosen`` starts, one after the other; none off a path."""
    numbers: list[int] = []
    while chosen.warm is not None:
        numbers.insert(0, chosen.warm)
        chosen = next(item for item in candidates if item.number == chosen.warm)
    return numbers
