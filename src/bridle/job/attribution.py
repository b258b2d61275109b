"""What each regularizer of a job's recipe is worth, and the recipe without what is not needed."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, final

from bridle.choosing.attribution import (
    MOST,
    Subset,
    Values,
    attribute,
    holds,
    judge_by,
    regularizers_of,
    sub_recipe,
    subsets,
    values_of,
)
from bridle.choosing.refit import refit_recipe
from bridle.choosing.scoring import candidate
from bridle.core import Recipe
from bridle.job.context import Context
from bridle.job.splits import Split, fresh_splits, sizes, train_on
from bridle.records import Attribution, Candidate, SubRecipe

SEEDS = 3
"""Seeds, each on a division of the rows of its own."""


@final
class SubRecipes:
    """The sub-recipes of one recipe, each trained once.

    Args:
        job: The job.
        recipe: The recipe, nothing free in it.
        splits: On which to train.
    """

    def __init__(self, job: Context, recipe: Recipe, splits: Sequence[Split]) -> None:
        self._job, self._recipe, self._splits = job, recipe, splits
        self._higher = job.metric.higher_is_better
        self._folds = len({fold.number for fold, _ in splits})
        self.scored: dict[Subset, Candidate] = {}

    def __call__(self, asked: Sequence[Subset]) -> Mapping[Subset, Values]:
        """Each subset's values by split; what is new is trained as one population."""
        new = [subset for subset in asked if subset not in self.scored]
        numbers = dict(enumerate(new, start=len(self.scored)))
        recipes = {number: (sub_recipe(self._recipe, subset), self._splits) for number, subset in numbers.items()}
        for number, outcomes in train_on(self._job, "attribution", recipes).items():
            name = " + ".join(recipes[number][0].active) or "none"
            self.scored[numbers[number]] = candidate(number, name, recipes[number][0], {}, outcomes, self._higher)
        return {subset: values_of(self.scored[subset], self._folds, higher_is_better=self._higher) for subset in asked}

    def records(self) -> tuple[SubRecipe, ...]:
        """All that were trained; scores as the metric gives them."""
        sign = 1.0 if self._higher else -1.0
        return tuple(
            SubRecipe(
                tuple(item.key for item in self._recipe.regularizers if item.key in subset),
                scored.epoch,
                () if scored.failure else tuple((sign * self([subset])[subset]).tolist()),
                scored.failure,
            )
            for subset, scored in self.scored.items()
        )


def attribution(job: Context, recipe: Recipe, seeds: int = SEEDS) -> tuple[Attribution, Recipe]:
    """What each regularizer is worth, and the recipe to refit without what is not needed.

    Where nothing is to be pruned, the recipe comes back as it was.

    Raises:
        SearchError: If there is nothing to attribute, or the recipe itself fails.
    """
    began, keys = time.perf_counter(), regularizers_of(recipe)
    splits = fresh_splits(job, seeds)
    train = SubRecipes(job, recipe, splits)
    if len(keys) > MOST:
        job.progress.say(f"There are {len(keys)} regularizers: Shapley values would need 2^{len(keys)} recipes.")
    job.progress.stage("attribution", len(subsets(keys)) * len(splits))
    origin: dict[str, Any] = {
        "splits": len({fold.number for fold, _ in splits}),
        "seeds": seeds,
        "fresh": job.dataset.times is None,
    }
    found = attribute(keys, train, judge_by(*sizes(splits)), trained=train.records, **origin)
    job.seconds["attribution"] = time.perf_counter() - began
    if not holds(found):
        return found, recipe
    kept = frozenset(found.kept)
    return found, refit_recipe(train.scored[kept], sub_recipe(recipe, kept))


def applied(found: Attribution) -> Attribution:
    """The same, where the recipe was trained without what is not needed."""
    return dataclasses.replace(found, applied=True)
