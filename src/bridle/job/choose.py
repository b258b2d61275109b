"""The search and its baselines: what is tried on the folds, and what is chosen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from bridle.choosing.baselines import baseline_grid, baselines
from bridle.choosing.budget import Budget
from bridle.choosing.refit import refit_recipe
from bridle.choosing.sampling import Study, open_study
from bridle.choosing.scoring import candidate
from bridle.choosing.selection import select
from bridle.choosing.space import default_trials, defaults
from bridle.choosing.strategies import Strategy
from bridle.choosing.strategies.path import path_to
from bridle.choosing.strategy import most_epochs, search
from bridle.core import Recipe
from bridle.job.context import Context
from bridle.job.strategies import check_strategy, strategy_of
from bridle.records import Candidate, Choice, Outcome

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
        before: The recipes whose weights the chosen one starts from, one after the other: on a path those before it.
    """

    candidates: tuple[Candidate, ...]
    baselines: tuple[Candidate, ...]
    choice: Choice
    recipes: dict[str, Recipe]
    tried: dict[int, Recipe]
    before: tuple[Recipe, ...] = ()

    @property
    def winner(self) -> Candidate:
        """The chosen candidate."""
        return next(item for item in self.candidates if item.number == self.choice.number)


def choose(job: Context) -> Chosen:
    """Try the baselines and the space on the same folds, and choose.

    Raises:
        SearchError: If the strategy does not fit the space, the budget is too small for one recipe, or all failed.
        StorageError: If the study's database fails.
    """
    check_strategy(job)
    budget_of(job).check(len(job.folds()) * job.ask.search_seeds * most_epochs(job.space), 0.0)
    started = time.perf_counter()
    with _study(job) as study:
        found, recipes = _baselines(job)
        job.seconds["baselines"] = time.perf_counter() - started
        candidates, tried = _search(job, study, recipes["none"].training.learning_rate, started)
    job.seconds["search"] = time.perf_counter() - started - job.seconds["baselines"]
    higher = job.metric.higher_is_better
    choice = select(candidates, job.ask.select, higher_is_better=higher, metric=job.metric.name)
    winner = candidates[choice.number]
    chosen = refit_recipe(winner, tried[winner.number])
    before = tuple(tried[number] for number in path_to(candidates, winner))
    return Chosen(tuple(candidates), tuple(found), choice, {"chosen": chosen} | recipes, tried, before)


def budget_of(job: Context, strategy: Strategy | None = None) -> Budget:
    """What the search may spend: trials, time, epochs, or by default a number of trials.

    That number is the strategy's own, where it has one, or fits the data.
    """
    asked = Budget.parse(job.ask.budget) if job.ask.budget else None
    trials = job.ask.trials or (asked.trials if asked else None)
    if trials is None and asked is None:
        own = strategy.trials(job.space, most_epochs(job.space)) if strategy else None
        trials = own or default_trials(len(job.rows), job.dataset.layout.kind)
    return Budget(trials=trials, seconds=asked.seconds if asked else None, epochs=asked.epochs if asked else None)


def _study(job: Context) -> Study:
    """The run's own study, or the one that it shares, with what makes scores of several searches comparable."""
    ask = job.ask
    terms = {
        "data": job.dataset.fingerprint,
        "metric": job.metric.name,
        "folds": f"{ask.folds} x {ask.repeats}",
        "test rows": len(job.sealed),
        "model": ask.model,
        "loss": ask.loss,
    }
    return open_study(
        ask.study or job.workspace.folder / "study.db",
        f"{job.prefix}{ask.study_name or 'bridle'}",
        ask.seed,
        higher_is_better=job.metric.higher_is_better,
        search=ask.search,
        terms=terms if ask.study else {},
        say=job.progress.say,
    )


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


def _search(job: Context, study: Study, rate: float, started: float) -> tuple[list[Candidate], dict[int, Recipe]]:
    folds = job.folds()
    tried: dict[int, Recipe] = {}
    scores: list[float] = []
    strategy = strategy_of(job, rate)
    budget = budget_of(job, strategy)
    if budget.seconds is not None:
        budget = replace(budget, seconds=max(budget.seconds - (time.perf_counter() - started), 1.0))
    members = len(folds) * job.ask.search_seeds
    pauses = len(strategy.bracket(0, most_epochs(job.space)).rungs) > 1
    job.progress.stage("search", 0 if pauses else (budget.trials or 0) * members)

    def note() -> str:
        best = (max if job.metric.higher_is_better else min)(scores, default=None)
        return f"best {job.metric.name} {best:.4g}" if best is not None else ""

    def keep(item: Candidate) -> None:
        if item.failure is None:
            scores.append(item.score)

    train = job.on_folds("search", folds, note)

    def evaluate(recipes: Sequence[tuple[int, Recipe]], **how: Any) -> Mapping[int, Sequence[Outcome]]:
        tried.update(dict(recipes))
        return train(recipes, **how)

    candidates = search(
        job.space,
        evaluate,
        study=study,
        strategy=strategy,
        budget=budget,
        members=members,
        first=defaults(job.space, job.dataset.layout, rate),
        on_candidate=keep,
    )
    return candidates, tried
