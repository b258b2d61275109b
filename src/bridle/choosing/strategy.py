"""The search: rounds of recipes, asked, trained, scored and told, until the budget is spent."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bridle.choosing.budget import Budget, Spent
from bridle.choosing.sampling import Study
from bridle.choosing.scoring import candidate
from bridle.choosing.strategies import Bracket, Strategy
from bridle.core import Between, Choice, Recipe
from bridle.errors import SearchError
from bridle.records import Candidate, Outcome


class Evaluate(Protocol):
    """Trains the members of numbered recipes on all folds and seeds and gives their outcomes by number.

    The same number and recipe come again in a resumed search, and with a later ``until``: then it should answer from
    what it kept, or go on from there.
    """

    def __call__(
        self, recipes: Sequence[tuple[int, Recipe]], *, until: int = 0, keep: bool = False, warm: int | None = None
    ) -> Mapping[int, Sequence[Outcome]]:
        """Train.

        Args:
            recipes: The recipes with their numbers.
            until: The epoch at which they pause; 0 to train them to their end.
            keep: Whether their weights are kept, for others to start from.
            warm: The number of the recipe whose weights they start from, on the same fold with the same seed.
        """


def search(
    space: Recipe,
    evaluate: Evaluate,
    *,
    study: Study,
    strategy: Strategy,
    budget: Budget,
    members: int = 1,
    first: Sequence[Mapping[str, Any]] = (),
    seconds_each: float = 0.0,
    on_candidate: Callable[[Candidate], None] | None = None,
) -> list[Candidate]:
    """Try recipes of a space until the budget is spent or the strategy has no more.

    Rounds are barriers: the next is asked when all recipes of the last are told. A recipe whose members all failed is
    told as failed and the search goes on. Killed and called again with the same study, the search repeats exactly
    where it has the study to itself, up to what a limit in seconds cuts off.

    Args:
        space: A recipe with free dials.
        evaluate: Trains a round.
        study: Where asks and scores are kept; it knows which way the metric points.
        strategy: Which recipes are tried, and how far each is trained.
        budget: When to end. A round that would exceed it is made smaller or not started.
        members: Folds times seeds: how many trainings one recipe takes.
        first: Values to try first, by address; what they leave open is the strategy's.
        seconds_each: How long one recipe takes, where that is known; 0 where not: with a limit in seconds the first
            round is then one recipe, to time it.
        on_candidate: Called with each candidate once its round is trained and it is told.

    Returns:
        The candidates in the order of their numbers, failed ones included.

    Raises:
        SearchError: If nothing is free in the space, or the budget is too small for one recipe.
        StorageError: If the study's database fails.
    """
    if not space.is_space:
        raise SearchError(
            "Nothing is free in this recipe, so there is nothing to search. Free a dial, for example "
            "strength = { low = 1e-6, high = 1e-2 }, or fit the recipe as it is."
        )
    epochs = most_epochs(space)
    budget.check(members * epochs, seconds_each)
    found: list[Candidate] = []
    spent = Spent(pace=seconds_each / (members * epochs))
    for number in itertools.count():
        bracket = strategy.bracket(number, epochs)
        planned = [members * bracket.epochs(size) for size in range(bracket.size + 1)]
        size = budget.room(spent, bracket.size, planned.__getitem__)
        asked = study.ask_round(space, number, size, strategy, first[len(found) : len(found) + size]) if size else []
        if not asked:
            break
        began = time.monotonic()
        scored = _train(space, asked, evaluate, bracket, study.higher_is_better, found if strategy.follows else None)
        for item in scored:
            study.tell(item.number, item.score, item.failure, item.until)
            if on_candidate:
                on_candidate(item)
        seconds = study.record_seconds(number, time.monotonic() - began)
        spent = spent.plus(len(scored), seconds, _epochs(scored), members * bracket.epochs(len(scored)))
        found += scored
    return found


def most_epochs(space: Recipe) -> int:
    """The most epochs that a recipe of the space trains."""
    match space.free().get("training.epochs"):
        case Between(_, high):
            return int(high)
        case Choice(values):
            return int(max(values))
        case _:
            return space.training.epochs


def _train(
    space: Recipe,
    asked: Sequence[tuple[int, dict[str, Any]]],
    evaluate: Evaluate,
    bracket: Bracket,
    higher_is_better: bool,
    before: Sequence[Candidate] | None,
) -> list[Candidate]:
    """Train a round from rung to rung; ``before`` are the recipes of a path so far, the last of which goes on."""
    recipes = {number: space.settle(values) for number, values in asked}
    warm = next((item.number for item in reversed(before or ()) if _is_sound(item)), None)
    if warm is not None:
        recipes = {number: _shortened(recipe, bracket.rungs[-1]) for number, recipe in recipes.items()}
    found: dict[int, Candidate] = {}
    climbing = list(recipes)
    for rung, count in zip(bracket.rungs, bracket.counts(len(asked)), strict=True):
        climbing = _best(climbing, found, count, higher_is_better)
        if not climbing:
            break
        until = rung if rung < bracket.rungs[-1] else 0
        outcomes = evaluate(
            [(number, recipes[number]) for number in climbing], until=until, keep=before is not None, warm=warm
        )
        for number in climbing:
            recipe = recipes[number]
            found[number] = candidate(
                number,
                f"trial {number}",
                recipe,
                dict(asked)[number],
                outcomes[number],
                higher_is_better,
                until=until if until < recipe.training.epochs else 0,
                warm=warm,
            )
    return [found[number] for number in recipes]


def _shortened(recipe: Recipe, epochs: int) -> Recipe:
    return recipe.replace(training=recipe.training.replace(epochs=min(epochs, recipe.training.epochs)))


def _best(numbers: Sequence[int], found: Mapping[int, Candidate], count: int, higher_is_better: bool) -> list[int]:
    """The ``count`` best of those that were scored so far without failing; all before the first score."""
    if not found:
        return list(numbers)
    sign = -1.0 if higher_is_better else 1.0
    sound = [number for number in numbers if found[number].failure is None]
    return sorted(sorted(sound, key=lambda number: (sign * found[number].score, number))[:count])


def _is_sound(item: Candidate) -> bool:
    return not any(outcome.failure for outcome in item.outcomes)


def _epochs(scored: Sequence[Candidate]) -> int:
    return sum(outcome.curves.epochs for item in scored for outcome in item.outcomes)
