"""Splits that had no part in the choice: the rows divided anew, and seeds that no fold of the search had."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from bridle.core import Recipe
from bridle.core.draws import key
from bridle.data.folds import make_folds
from bridle.job.context import Context
from bridle.population import Member
from bridle.records import Fold, Mark, Outcome

Split: TypeAlias = tuple[Fold, int]
"""A fold and the seed that is trained on it."""


def fresh_splits(job: Context, seeds: int) -> list[Split]:
    """The folds of as many new divisions of the training rows as there are seeds, each division with its own seed.

    In time order there is one division only: each of its folds is trained with every seed.
    """
    own = range(job.ask.seed + 1, job.ask.seed + 1 + seeds)
    if job.dataset.times is not None:
        return [(fold, seed) for seed in own for fold in job.folds()]
    division = key("fresh splits", job.ask.seed) % 2**31
    folds = make_folds(job.dataset, job.rows, job.ask.folds, division, repeats=seeds)
    return [(fold, own[fold.number // job.ask.folds]) for fold in folds]


def train_on(
    job: Context, stage: str, recipes: Mapping[int, tuple[Recipe, Sequence[Split]]]
) -> dict[int, tuple[Outcome, ...]]:
    """Train numbered recipes, each on its splits, as one population; give their outcomes in the order of the splits."""
    members = [
        Member(number, recipe, job.watched(fold, recipe), seed, stage=stage)
        for number, (recipe, splits) in recipes.items()
        for fold, seed in splits
    ]
    found: dict[int, list[Outcome]] = defaultdict(list)
    for member, outcome in job.crew(members):
        found[member.candidate].append(outcome)
        job.progress.advance()
    return {number: tuple(sorted(found[number], key=lambda item: (item.seed, item.fold))) for number in recipes}


def sizes(splits: Sequence[Split]) -> tuple[float, float]:
    """How many rows train and how many are scored, on average over the splits."""
    train = np.mean([len(fold.rows(Mark.TRAIN, Mark.WATCH)) for fold, _ in splits])
    score = np.mean([len(fold.rows(Mark.SCORE)) for fold, _ in splits])
    return float(train), float(score)
