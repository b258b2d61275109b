"""What a search may spend: trials, seconds or epochs."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from bridle.errors import SearchError

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
ROUNDING = 1e-9


@final
@dataclass(frozen=True)
class Spent:
    """What a search has used so far.

    Args:
        trials: Recipes tried.
        seconds: Wall time of the rounds.
        epochs: Epochs trained, over all members.
        pace: The most seconds per planned epoch that any round took, or what is known beforehand; 0 where nothing is.
    """

    trials: int = 0
    seconds: float = 0.0
    epochs: int = 0
    pace: float = 0.0

    def plus(self, trials: int, seconds: float, epochs: int, planned: int) -> "Spent":
        """With one more round, for which so many epochs were planned."""
        return Spent(
            self.trials + trials, self.seconds + seconds, self.epochs + epochs, max(self.pace, seconds / planned)
        )


@final
@dataclass(frozen=True)
class Budget:
    """Limits of a search, checked at each round; whichever is reached first ends it.

    Args:
        trials: Most recipes to try.
        seconds: Most seconds of wall time. A round that would not finish is not started.
        epochs: Most epochs to train, over all recipes, folds and seeds.

    Raises:
        SearchError: If none is given, or one is not positive.
    """

    trials: int | None = None
    seconds: float | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if not given:
            raise SearchError("A search needs a budget: a number of trials, of seconds or of epochs.")
        for name, value in given.items():
            if not (math.isfinite(value) and value > 0):
                raise SearchError(f"A budget in {name} must be positive; got {value}.")

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """A budget in time, epochs or trials from text such as ``"1h30m"``, ``"500 epochs"`` or ``"20 trials"``.

        Raises:
            SearchError: If it is not written so.
        """
        counted = re.fullmatch(r"(\d+) *(epochs|trials)", text.strip())
        if counted:
            return cls(**{counted[2]: int(counted[1])})
        if not re.fullmatch(r"(\d+(\.\d+)?[smh])+", text.strip()):
            raise SearchError(
                "A budget is written like 90s, 10m or 1h30m (seconds, minutes, hours), 500 epochs or 20 trials; "
                f"got {text!r}."
            )
        parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
        return cls(seconds=sum(float(number) * SECONDS[unit] for number, unit in parts))

    def check(self, largest: int, slowest: float) -> None:
        """Refuse a budget that is too small for a single recipe.

        Args:
            largest: The most epochs that one recipe takes, over its folds and seeds.
            slowest: The seconds that one recipe takes, 0 where unknown.

        Raises:
            SearchError: If not even one recipe fits.
        """
        if self.epochs is not None and self.epochs < largest:
            raise SearchError(
                f"A budget of {self.epochs} epochs is too small for one recipe, which takes up to {largest} over its "
                "folds and seeds. Allow more, or set fewer epochs or folds."
            )
        if self.seconds is not None and self.seconds < slowest:
            raise SearchError(
                f"A budget of {self.seconds:.3g} seconds is too small for one recipe, which takes about {slowest:.3g}. "
                "Allow more, or set fewer epochs or folds."
            )

    def room(self, spent: Spent, most: int, epochs: Callable[[int], int]) -> int:
        """How many more recipes fit: 1 where time is limited and none has been timed yet, so that the first one is.

        Args:
            spent: What was used so far.
            most: How many are wanted.
            epochs: The most epochs that so many recipes take, over their folds and seeds.
        """
        if self.seconds is not None and not spent.pace:
            most = min(most, 1)
        return next((size for size in range(most, 0, -1) if self._fits(spent, size, epochs(size))), 0)

    def _fits(self, spent: Spent, trials: int, epochs: int) -> bool:
        ends = {
            "trials": spent.trials + trials,
            "epochs": spent.epochs + epochs,
            "seconds": spent.seconds + spent.pace * epochs,
        }
        limits = {name: limit for name, limit in vars(self).items() if limit is not None}
        return all(ends[name] <= limit * (1 + ROUNDING) for name, limit in limits.items())
