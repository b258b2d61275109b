"""A member: one model in training."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import final

from bridle.core import Recipe
from bridle.records import Fold


@final
@dataclass(frozen=True, eq=False)
class Member:
    """One recipe on one fold with one seed.

    Args:
        candidate: The number of its recipe in the search; it names the member and never enters a draw.
        recipe: The recipe, nothing free in it.
        fold: Which rows train, watch and score.
        seed: Keys, with the fold's number, initial weights, batches and draws.
        floor: Whether it trains logistic or linear regression in place of the job's model.
        stage: A short name for what it belongs to, part of its file's name.
        keep: Whether its trained weights are kept as a file.
        until: Pause after this epoch, to go on later; 0 trains to the end. It never changes what is trained.
        warm: The name of a kept member whose weights it starts from, or nothing.
    """

    candidate: int
    recipe: Recipe
    fold: Fold
    seed: int
    floor: bool = False
    stage: str = "search"
    keep: bool = False
    until: int = 0
    warm: str = ""

    @property
    def last(self) -> int:
        """Its last epoch, where no stop rule ends it before."""
        return self.recipe.training.stop_after or self.recipe.training.epochs

    @property
    def pauses(self) -> bool:
        """Whether it is to pause before its end."""
        return 0 < self.until < self.last

    @cached_property
    def name(self) -> str:
        """The stem of its files: a file of another recipe or fold of the same number is never taken for its own.

        ``until`` is no part of it: a member that went on after a pause is the same member.
        """
        content = repr((self.recipe, self.floor, self.keep, self.warm)).encode() + self.fold.marks.tobytes()
        digest = hashlib.sha256(content).hexdigest()[:12]
        return f"{self.stage}-c{self.candidate}-f{self.fold.number}-s{self.seed}-{digest}"
