"""How sure a choice is: its optimism, the folds' comparisons, and nested cross-validation where it was asked for."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from bridle.choosing.fold_comparison import compare_on_folds, fold_sizes
from bridle.choosing.optimism import Kept, optimism
from bridle.choosing.statistics import corrected_t
from bridle.core import toml
from bridle.data.folds import make_folds
from bridle.engine import scored
from bridle.errors import SearchError
from bridle.job.choose import Chosen, choose
from bridle.job.context import Context
from bridle.population import Member
from bridle.records import Comparison, Finding, Fold, Mark, Nested, Optimism, Outcome, OuterFold, Severity


def how_sure(job: Context, chosen: Chosen) -> dict[str, Any]:
    """The fields of the evidence that say how far the folds' scores can be trusted.

    Args:
        job: The job; what its members predicted must still be on file.
        chosen: What its search chose.
    """
    compared = (compare_on_folds(chosen.winner, other, job.folds(), job.metric) for other in chosen.baselines)
    return {
        "optimism": _optimism(job, chosen),
        "fold_comparisons": tuple(item for item in compared if item is not None),
        "nested": nested(job) if job.ask.nested else None,
    }


def _optimism(job: Context, chosen: Chosen) -> Optimism | None:
    began = time.perf_counter()
    folds = {fold.number: fold for fold in job.folds()}

    def read(outcome: Outcome) -> Kept | None:
        recipe = chosen.tried[outcome.candidate]
        return scored.read(
            job.member("search", outcome.candidate, recipe, folds[outcome.fold], outcome.seed), job.setting
        )

    data = job.dataset
    found = optimism(chosen.candidates, chosen.choice, read, job.metric, data.targets, data.weights, seed=job.ask.seed)
    if found is None:
        message = "The optimism of the choice is not known: the chosen recipe's predictions of its folds were not kept."
        job.findings.append(Finding("no_optimism", Severity.INFO, message))
    job.seconds["optimism"] = time.perf_counter() - began
    return found


def outer_folds(job: Context) -> list[tuple[Fold, Context]]:
    """The outer folds, and the job of each within its training rows.

    Raises:
        DataError: If there are too few rows for folds within folds.
    """
    folds = make_folds(job.dataset, job.rows, job.ask.nested, job.ask.seed)
    within = [
        replace(job, rows=fold.rows(Mark.TRAIN), prefix=f"outer{fold.number}-", seconds={}, findings=[])
        for fold in folds
    ]
    for inner in within:
        inner.folds()
    return list(zip(folds, within, strict=True))


def nested(job: Context) -> Nested:
    """Repeat the whole search on each outer fold's training rows, refit its choice, and score it on the other rows.

    Raises:
        SearchError: If all recipes of an outer fold fail, or all refits of its choice.
    """
    began = time.perf_counter()
    found, scores = [], []
    outer = outer_folds(job)
    for fold, inner in outer:
        job.progress.say(f"Nested cross-validation: outer fold {fold.number + 1} of {len(outer)}.")
        chosen = choose(inner)
        values = _refits(inner, chosen, fold)
        found.append(_outer_fold(fold, chosen, values["chosen"]))
        scores.append({name: float(np.mean(list(of.values()))) for name, of in values.items()})
    sizes = fold_sizes([fold for fold, _ in outer])
    sign = 1.0 if job.metric.higher_is_better else -1.0
    comparisons = [
        Comparison(name, job.metric.name, corrected_t([sign * (of["chosen"] - of[name]) for of in scores], *sizes))
        for name in scores[0]
        if name != "chosen" and all(name in of for of in scores)
    ]
    job.seconds["nested"] = time.perf_counter() - began
    return Nested(corrected_t([of["chosen"] for of in scores], *sizes), tuple(found), tuple(comparisons))


def _outer_fold(fold: Fold, chosen: Chosen, values: dict[int, float]) -> OuterFold:
    winner = chosen.winner
    return OuterFold(
        fold=fold.number,
        score=float(np.mean(list(values.values()))),
        values=tuple(values.values()),
        inner=winner.score,
        active=winner.active,
        dials=winner.dials,
        recipe=toml.dumps(chosen.recipes["chosen"]),
    )


def _refits(inner: Context, chosen: Chosen, fold: Fold) -> dict[str, dict[int, float]]:
    """What the choice and the baselines score on the outer rows, by name and seed, without what failed."""
    seeds = range(inner.ask.seed, inner.ask.seed + inner.ask.seeds)
    members: dict[str, tuple[str, Member]] = {}
    for number, (name, recipe) in enumerate(chosen.recipes.items()):
        for seed in seeds:
            member = inner.member("refit", number, recipe, fold, seed)
            members[member.name] = (name, member)
    inner.progress.stage("refit", len(members))
    found: dict[str, dict[int, float]] = {}
    failures = []
    for member, outcome in inner.crew([member for _, member in members.values()], apart=True):
        name = members[member.name][0]
        if outcome.failure is None:
            found.setdefault(name, {})[member.seed] = outcome.curves.series["score"][-1]
        elif name == "chosen":
            failures.append(outcome.failure)
        inner.progress.advance()
    if "chosen" not in found:
        raise SearchError(f"Outer fold {fold.number}: every refit of the chosen recipe failed: {failures[0]}")
    return {name: dict(sorted(found[name].items())) for name in chosen.recipes if name in found}
