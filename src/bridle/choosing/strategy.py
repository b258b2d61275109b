"""The search: rounds of recipes, asked, trained, scored and told, until the budget is spent."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from bridle.choosing.budget import Budget, Spent
from bridle.choosing.sampling import Study
from bridle.choosing.scoring import candidate
from bridle.core import Between, Choice, Recipe
from bridle.errors import SearchError
from bridle.records import Candidate, Outcome

Evaluate: TypeAlias = Callable[[list[tuple[int, Recipe]]], Mapping[int, Sequence[Outcome]]]
"""Trains the members of numbered recipes on all folds and seeds and gives their outcomes by number. The same number and
recipe come again in a resumed search: then it should answer from what it kept."""


def search(
    space: Recipe,
    evaluate: Evaluate,
    *,
    study: Study,
    budget: Budget,
    members: int = 1,
    round_size: int = 4,
    first: Sequence[Mapping[str, Any]] = (),
    seconds_each: float = 0.0,
    on_candidate: Callable[[Candidate], None] | None = None,
) -> list[Candidate]:
    """Try recipes of a space until the budget is spent or the space holds no more.

    Rounds are barriers: the next is sampled when all recipes of the last are told. A recipe whose members all failed is
    told as failed and the search goes on. Killed and called again with the same study, the search repeats exactly, up
    to what a limit in seconds cuts off.

    Args:
        space: A recipe with free dials.
        evaluate: Trains a round.
        study: Where asks and scores are kept; it knows which way the metric points.
        budget: When to end. A round that would exceed it is made smaller or not started.
        members: Folds times seeds: how many trainings one recipe takes.
        round_size: Recipes per round. With a limit in seconds and no ``seconds_each``, the first round is one recipe,
            to time it.
        first: Values to try first, by address; what they leave open is sampled.
        seconds_each: How long one recipe takes, where that is known; 0 where not.
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
    largest = members * _most_epochs(space)
    budget.check(largest, seconds_each)
    found: list[Candidate] = []
    spent = Spent(slowest=seconds_each)
    round_number = 0
    while size := min(round_size, budget.room(spent, largest)):
        asked = study.ask_round(space, round_number, size, first[len(found) : len(found) + size])
        if not asked:
            break
        began = time.monotonic()
        scored = _train(space, asked, evaluate, study.higher_is_better)
        for item in scored:
            study.tell(item.number, item.score, item.failure)
            if on_candidate:
                on_candidate(item)
        seconds = study.record_seconds(round_number, time.monotonic() - began)
        spent = spent.plus(len(scored), seconds, _epochs(scored))
        found += scored
        round_number += 1
    return found


def _train(
    space: Recipe, asked: Sequence[tuple[int, dict[str, Any]]], evaluate: Evaluate, higher_is_better: bool
) -> list[Candidate]:
    recipes = {number: space.settle(values) for number, values in asked}
    outcomes = evaluate(list(recipes.items()))
    return [
        candidate(number, f"trial {number}", recipes[number], values, outcomes[number], higher_is_better)
        for number, values in asked
    ]


def _most_epochs(space: Recipe) -> int:
    match space.free().get("training.epochs"):
        case Between(_, high):
            return int(high)
        case Choice(values):
            return int(max(values))
        case _:
            return space.training.epochs


def _epochs(scored: Sequence[Candidate]) -> int:
    return sum(outcome.curves.epochs for item in scored for outcome in item.outcomes)
