"""Refit on all training rows with several seeds, and score on the sealed test rows."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bridle.choosing.statistics import bootstrap, paired_difference
from bridle.core import Recipe, StopRule, toml
from bridle.data.dataset import Dataset
from bridle.data.folds import whole
from bridle.engine.trained import trained
from bridle.errors import SearchError
from bridle.job.context import Context
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Comparison, Estimate, Outcome, Tested

Predicted = NDArray[np.float64]


def refit(
    job: Context, recipes: dict[str, Recipe], before: Sequence[Recipe] = ()
) -> dict[str, list[tuple[Member, Outcome]]]:
    """Train each named recipe on all rows that are not sealed, once per seed.

    Args:
        job: The job.
        recipes: The recipes by name.
        before: The recipes whose weights the first of them starts from, one after the other.

    Raises:
        SearchError: If the first recipe fails with every seed.
    """
    job.progress.stage("refit", (len(recipes) + len(before)) * job.ask.seeds)
    walked = _walk(job, before)
    members = {
        name: _members(job, number, recipe, "refit", name == "floor", {} if number else walked)
        for number, (name, recipe) in enumerate(recipes.items())
    }
    done: dict[str, Outcome] = {}
    for member, outcome in job.crew([member for of in members.values() for member in of], apart=True):
        done[member.name] = outcome
        job.findings.extend(finding for finding in outcome.findings if finding not in job.findings)
        job.progress.advance()
    found = {name: [(member, done[member.name]) for member in of] for name, of in members.items()}
    first = next(iter(found.values()))
    if all(outcome.failure for _, outcome in first):
        raise SearchError(f"The training failed: {first[0][1].failure}.{_advice(first[0][1])}")
    return found


def _walk(job: Context, before: Sequence[Recipe]) -> dict[int, str]:
    """Train the recipes of a path, each from the weights of the one before; the names of the last ones by seed."""
    last: dict[int, str] = {}
    for number, recipe in enumerate(before):
        for member, outcome in job.crew(_members(job, number, recipe, "path", False, last), apart=True):
            if outcome.failure is None:
                last[member.seed] = member.name
            job.progress.advance()
    return last


def _members(
    job: Context, number: int, recipe: Recipe, stage: str, floor: bool, warm: Mapping[int, str]
) -> list[Member]:
    fold = whole(job.dataset, job.rows, watch=bool(recipe.of(StopRule)), seed=job.ask.seed)
    return [
        Member(number, recipe, fold, seed, floor=floor, stage=stage, keep=True, warm=warm.get(seed, ""))
        for seed in range(job.ask.seed, job.ask.seed + job.ask.seeds)
    ]


def _advice(outcome: Outcome) -> str:
    return "".join(f" {finding.message}" for finding in outcome.findings)


def predict(
    job: Context, refits: dict[str, list[tuple[Member, Outcome]]], test: Dataset, rows: NDArray[np.int64]
) -> dict[str, dict[int, Predicted]]:
    """Each refit's predictions of the test rows, by name and seed, without the seeds that failed."""
    found = {}
    for name, pairs in refits.items():
        sound = [member for member, outcome in pairs if outcome.failure is None]
        found[name] = {member.seed: trained(member, job.setting).predict(test, rows) for member in sound}
    return {name: predicted for name, predicted in found.items() if predicted}


def score(
    job: Context,
    recipes: dict[str, Recipe],
    refits: dict[str, list[tuple[Member, Outcome]]],
    predicted: dict[str, dict[int, Predicted]],
    test: Dataset,
    rows: NDArray[np.int64],
) -> tuple[tuple[Tested, ...], tuple[Comparison, ...]]:
    """Every metric of every recipe on the test rows with its interval, and the first recipe against each other."""
    tested = tuple(
        Tested(
            name,
            toml.dumps(recipes[name]),
            metrics_of(job, list(values.values()), test, rows),
            tuple(outcome for _, outcome in refits[name]),
        )
        for name, values in predicted.items()
    )
    chosen, *others = predicted
    comparisons = tuple(
        compared(job, other, *_paired(predicted[chosen], predicted[other]), test, rows)
        for other in others
        if predicted[chosen].keys() & predicted[other].keys()
    )
    return tested, comparisons


def metrics_of(
    job: Context, predictions: Sequence[Predicted], test: Dataset, rows: NDArray[np.int64]
) -> dict[str, Estimate]:
    """Every metric of some predictions, one per seed, of the test rows."""
    return {
        metric.name: bootstrap(predictions, metric, test.targets[rows], _weights(test, rows), seed=job.ask.seed)
        for metric in metrics.for_task(job.dataset.layout.task)
    }


def compared(
    job: Context,
    other: str,
    first: Sequence[Predicted],
    second: Sequence[Predicted],
    test: Dataset,
    rows: NDArray[np.int64],
) -> Comparison:
    """By how much the first predictions of the test rows are better than the second, seed by seed."""
    weights = _weights(test, rows)
    found = paired_difference(first, second, job.metric, test.targets[rows], weights, seed=job.ask.seed)
    return Comparison(other, job.metric.name, found)


def _weights(test: Dataset, rows: NDArray[np.int64]) -> Predicted | None:
    return None if test.weights is None else test.weights[rows]


def _paired(one: Mapping[int, Predicted], other: Mapping[int, Predicted]) -> tuple[list[Predicted], list[Predicted]]:
    """The predictions of the seeds that failed on neither side, seed by seed."""
    seeds = [seed for seed in one if seed in other]
    return [one[seed] for seed in seeds], [other[seed] for seed in seeds]
