"""The search and its baselines: what is tried on the folds, and what is chosen."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from bridle.choosing.baselines import baseline_grid, baselines
from bridle.choosing.budget import Budget
from bridle.choosing.refit import refit_recipe
from bridle.choosing.sampling import open_study
from bridle.choosing.scoring import candidate
from bridle.choosing.selection import select
from bridle.choosing.space import default_trials, defaults
from bridle.choosing.strategy import search
from bridle.core import Recipe
from bridle.job.context import Context
from bridle.records import Candidate, Choice, Outcome

ROUND = 4
"""Recipes asked at once: the sampler learns between rounds, and a whole round trains together."""

BASELINE_RATES = 3
"""Learning rates that each baseline tries; its epochs come from the curve, as those of every recipe."""


@final
@dataclass(frozen=True)
class Chosen:
    """What the folds say.

    Args:
        candidates: All that was tried.
        baselines: The best of each baseline.
        choice: The choice.
        recipes: The recipes to refit, by name: ``"chosen"`` first, then the baselines.
        tried: The candidates' recipes by number.
    """

    candidates: tuple[Candidate, ...]
    baselines: tuple[Candidate, ...]
    choice: Choice
    recipes: dict[str, Recipe]
    tried: dict[int, Recipe]

    @property
    def winner(self) -> Candidate:
        """The chosen candidate."""
        return next(item for item in self.candidates if item.number == self.choice.number)


def choose(job: Context) -> Chosen:
    """Try the baselines and the space on the same folds, and choose."""
    budget = budget_of(job)
    started = time.perf_counter()
    found, recipes = _baselines(job)
    job.seconds["baselines"] = time.perf_counter() - started
    rate = recipes["none"].training.learning_rate
    candidates, tried = _search(job, budget, job.seconds["baselines"], rate)
    job.seconds["search"] = time.perf_counter() - started - job.seconds["baselines"]
    higher = job.metric.higher_is_better
    choice = select(candidates, job.ask.select, higher_is_better=higher, metric=job.metric.name)
    winner = next(item for item in candidates if item.number == choice.number)
    chosen = refit_recipe(winner, tried[winner.number])
    return Chosen(tuple(candidates), tuple(found), choice, {"chosen": chosen} | recipes, tried)


def budget_of(job: Context) -> Budget:
    """What the search may spend: trials, time, or by default a number of trials that fits the data."""
    seconds = Budget.parse(job.ask.budget).seconds if job.ask.budget else None
    trials = job.ask.trials or (None if seconds else default_trials(len(job.rows), job.dataset.layout.kind))
    return Budget(trials=trials, seconds=seconds)


def _baselines(job: Context) -> tuple[list[Candidate], dict[str, Recipe]]:
    """The best of each baseline over its own learning rates, and its recipe for the refit."""
    folds, higher = job.folds(), job.metric.higher_is_better
    spaces = baselines(job.space)
    grids = {name: baseline_grid(space, BASELINE_RATES) for name, space in spaces.items()}
    named = [(name, recipe) for name, grid in grids.items() for recipe in grid]
    job.progress.stage("baselines", len(named) * len(folds) * job.ask.search_seeds)
    outcomes = job.on_folds("baseline", folds)([(number, recipe) for number, (_, recipe) in enumerate(named)])
    found, recipes = [], {}
    for name in grids:
        tried = [
            candidate(
                number,
                name,
                recipe,
                {"training.learning_rate": recipe.training.learning_rate},
                outcomes[number],
                higher,
            )
            for number, (own, recipe) in enumerate(named)
            if own == name
        ]
        best = select(tried, "best", higher_is_better=higher, metric=job.metric.name)
        winner = next(item for item in tried if item.number == best.number)
        found.append(winner)
        recipes[name] = refit_recipe(winner, dict(enumerate(recipe for _, recipe in named))[winner.number])
    return found, recipes


def _search(job: Context, budget: Budget, spent: float, rate: float) -> tuple[list[Candidate], dict[int, Recipe]]:
    folds = job.folds()
    tried: dict[int, Recipe] = {}
    scores: list[float] = []
    if budget.seconds is not None:
        budget = Budget(trials=budget.trials, seconds=max(budget.seconds - spent, 1.0))
    members = len(folds) * job.ask.search_seeds
    job.progress.stage("search", (budget.trials or 0) * members)

    def note() -> str:
        best = (max if job.metric.higher_is_better else min)(scores, default=None)
        return f"best {job.metric.name} {best:.4g}" if best is not None else ""

    def keep(item: Candidate) -> None:
        if item.failure is None:
            scores.append(item.score)

    train = job.on_folds("search", folds, note)

    def evaluate(recipes: Sequence[tuple[int, Recipe]]) -> dict[int, tuple[Outcome, ...]]:
        tried.update(dict(recipes))
        return train(recipes)

    higher = job.metric.higher_is_better
    database = job.workspace.folder / "study.db"
    with open_study(database, f"{job.prefix}bridle", job.ask.seed, higher_is_better=higher) as study:
        candidates = search(
            job.space,
            evaluate,
            study=study,
            budget=budget,
            members=members,
            round_size=ROUND,
            first=defaults(job.space, job.dataset.layout, rate),
            on_candidate=keep,
        )
    return candidates, tried
