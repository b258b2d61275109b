"""What each regularizer of a recipe is worth: leave one out, add one in, and exact Shapley values.

A subset of the regularizers is the frozen set of their keys. Its values are the metric on each split, turned so that
higher is better and averaged over seeds; NaN where its training failed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridle.choosing.scoring import is_on, member_scores
from bridle.choosing.statistics import corrected_t
from bridle.core import Augmentation, Recipe
from bridle.errors import SearchError
from bridle.records import Attribution, Candidate, Estimate, SubRecipe, Worth

Subset: TypeAlias = frozenset[str]
Values: TypeAlias = NDArray[np.float64]

MOST = 6
"""All subsets are trained for up to so many regularizers: 64 recipes."""


def regularizers_of(recipe: Recipe) -> tuple[str, ...]:
    """The keys of the regularizers that are on.

    Raises:
        SearchError: If there is none.
    """
    keys = tuple(item.key for item in recipe.regularizers if is_on(item))
    if not keys:
        raise SearchError(
            "The recipe has no regularizer that is on, so there is nothing whose worth could be told. Add one."
        )
    return keys


def sub_recipe(recipe: Recipe, subset: Subset) -> Recipe:
    """The recipe with these regularizers only, trained for all its epochs: each is scored at its own best one.

    Without augmentation there is nothing to expand the training set with.
    """
    kept = [item for item in recipe.regularizers if item.key in subset]
    augmented = any(isinstance(item, Augmentation) for item in kept)
    expand = recipe.training.expand if augmented else 0
    return Recipe(*kept, training=recipe.training.replace(stop_after=0, expand=expand))


def subsets(keys: Sequence[str]) -> list[Subset]:
    """What is trained at first: all subsets of up to six keys, of more all, none, all but one, and each alone."""
    sizes: Iterable[int] = range(len(keys) + 1)
    if len(keys) > MOST:
        sizes = (0, 1, len(keys) - 1, len(keys))
    return [frozenset(some) for size in sizes for some in combinations(keys, size)]


def values_of(scored: Candidate, splits: int, *, higher_is_better: bool) -> Values:
    """Its scores by split, turned so that higher is better; NaN where it failed."""
    by_fold: dict[int, list[float]] = defaultdict(list)
    for (fold, _), score in member_scores(scored).items():
        by_fold[fold].append(score if higher_is_better else -score)
    return np.array([np.mean(by_fold[fold]) for fold in sorted(by_fold)]) if by_fold else np.full(splits, np.nan)


def shapley(values: Mapping[Subset, Values], keys: Sequence[str]) -> dict[str, Values]:
    """The Shapley value of each key: what it adds, as a mean over all orders in which the keys can be added.

    Args:
        values: Of every subset.
        keys: At most six.

    Raises:
        SearchError: If there are more.

    Reference: Shapley 1953, "A value for n-person games".
    """
    if len(keys) > MOST:
        raise SearchError(
            f"Exact Shapley values need every subset: at most {MOST} regularizers; got {len(keys)}. Leave one out and "
            "add one in are there for more."
        )
    found = {}
    for key in keys:
        others = [other for other in keys if other != key]
        total = np.zeros_like(values[frozenset()])
        for size in range(len(keys)):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(keys))
            for some in combinations(others, size):
                total = total + weight * (values[frozenset({*some, key})] - values[frozenset(some)])
        found[key] = total
    return found


Train: TypeAlias = Callable[[Sequence[Subset]], Mapping[Subset, Values]]
"""Gives the values of subsets; what was trained before is not trained again."""
Judge: TypeAlias = Callable[[Values], Estimate]
"""The interval of differences, one per split."""


def eliminate(keys: Sequence[str], train: Train, judge: Judge) -> dict[str, tuple[bool, Estimate, tuple[str, ...]]]:
    """Whether each key is needed, what it is worth, and beside which others.

    Beginning with all, the least worth whose interval does not lie above zero is dropped, one at a time: of two that
    can stand in for each other one stays. What is left at the end is needed, and so is what fails to train without it.
    """
    left, found = list(keys), {}
    while left:
        whole = frozenset(left)
        values = train([whole, *(whole - {key} for key in left)])
        worths = {key: judge(values[whole] - values[whole - {key}]) for key in left}
        unneeded = [key for key in left if _shows_nothing(worths[key])]
        judged = [min(unneeded, key=lambda key: worths[key].value)] if unneeded else list(left)
        for key in judged:
            found[key] = (not unneeded, worths[key], tuple(other for other in left if other != key))
            left.remove(key)
    return found


def _shows_nothing(worth: Estimate) -> bool:
    """Whether its interval reaches zero or below; where training failed there is no interval."""
    return worth.low is not None and worth.low <= 0


def judge_by(train_rows: float, score_rows: float) -> Judge:
    """The corrected resampled t-test for splits of such sizes; NaN without an interval where a training failed."""

    def judge(differences: Values) -> Estimate:
        if not np.isfinite(differences).all():
            return Estimate(float("nan"))
        return corrected_t(differences.tolist(), train_rows, score_rows)

    return judge


def attribute(
    keys: Sequence[str], train: Train, judge: Judge, *, trained: Callable[[], tuple[SubRecipe, ...]], **origin: Any
) -> Attribution:
    """What each of the regularizers is worth.

    Args:
        keys: Their keys, in the recipe's order.
        train: Trains subsets.
        judge: The interval of differences.
        trained: Gives everything that was trained, at the end.
        **origin: ``splits``, ``seeds`` and ``fresh`` of :class:`~bridle.records.Attribution`.

    Raises:
        SearchError: If the whole recipe fails to train.
    """
    values = dict(train(subsets(keys)))
    whole, none = frozenset(keys), frozenset[str]()
    if not np.isfinite(values[whole]).all():
        cause = next(item.failure for item in trained() if set(item.active) == whole)
        raise SearchError(
            f"The recipe itself failed on the splits that were to tell what its regularizers are worth: {cause}. "
            "Mend the recipe first."
        )
    verdicts = eliminate(keys, train, judge)
    shares = shapley(values, keys) if len(keys) <= MOST else {}
    worths = tuple(
        Worth(
            key,
            *verdicts[key],
            leave_one_out=judge(values[whole] - values[whole - {key}]),
            add_one_in=judge(values[frozenset({key})] - values[none]),
            shapley=judge(shares[key]) if shares else None,
        )
        for key in keys
    )
    kept = tuple(item.name for item in worths if item.needed)
    pruned = None if len(kept) == len(keys) else judge(train([frozenset(kept)])[frozenset(kept)] - values[whole])
    together = judge(values[whole] - values[none])
    return Attribution(worths, together, kept, pruned, False, trained(), **origin)


def holds(attribution: Attribution) -> bool:
    """Whether something is to be pruned, and the splits do not show that the recipe is worse without it."""
    pruned = attribution.pruned
    return pruned is not None and pruned.high is not None and pruned.high >= 0
