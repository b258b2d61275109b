"""How often each feature of a table survives on complementary halves of a job's training rows."""

import time

import numpy as np

from bridle.choosing.feature_count import within
from bridle.choosing.stability import PAIRS, THRESHOLD, fair_count, stability
from bridle.core import Recipe, StopRule
from bridle.data.folds import with_watch
from bridle.data.parts import halves
from bridle.engine.feature_path import PathPlan, train_path
from bridle.engine.process import flushed, threads
from bridle.engine.survival import survivors
from bridle.engine.trained import trained
from bridle.errors import DataError, SearchError
from bridle.job.context import Context
from bridle.population import Member
from bridle.records import Fold, Kind, Stability

PLAN = PathPlan(width=32, factor=1.05)
"""A narrower network and larger steps than on a feature path of its own: a hundred paths are trained."""


def check_table(job: Context) -> None:
    """Refuse data that has no features to survive.

    Raises:
        DataError: If it is no table.
    """
    if job.dataset.layout.kind is not Kind.TABLE:
        raise DataError(f"{job.dataset.name}: features survive in tables only; this is {job.dataset.layout.kind} data.")


def by_recipe(job: Context, recipe: Recipe, pairs: int = PAIRS, threshold: float = THRESHOLD) -> Stability:
    """How often each feature survives the recipe's penalties.

    Raises:
        BridleError: If a half is too small, or a training failed.
    """
    began, folds = time.perf_counter(), halves(job.dataset, job.rows, pairs, job.ask.seed)
    plain = recipe.replace(without=StopRule)
    members = [Member(0, plain, fold, job.ask.seed, stage="stability", keep=True) for fold in folds]
    job.progress.stage("stability", len(members))
    survived = np.zeros((len(members), len(job.dataset.layout.columns)), dtype=np.bool_)
    for member, outcome in job.crew(members):
        if outcome.failure is not None:
            raise SearchError(f"Stability selection failed on half {member.fold.number}: {outcome.failure}.")
        survived[member.fold.number] = survivors(trained(member, job.setting), job.dataset.layout)
        job.progress.advance()
    job.seconds["stability"] = time.perf_counter() - began
    return stability(_names(job), survived, threshold)


def by_path(job: Context, count: int | None = None, pairs: int = PAIRS, threshold: float = THRESHOLD) -> Stability:
    """How often each feature is among the last ``count`` on the path of the hierarchical lasso.

    By default as many are taken as bound the expected number of false stable features by one.

    Raises:
        BridleError: If a half is too small, or there are not so many features.
    """
    features = _names(job)
    count = fair_count(len(features), threshold) if count is None else count
    if not 1 <= count <= len(features):
        raise SearchError(f"count must be a whole number from 1 to {len(features)}, all features; got {count}.")
    folds = halves(job.dataset, job.rows, pairs, job.ask.seed)
    job.progress.stage("stability", len(folds))
    survived = np.zeros((len(folds), len(features)), dtype=np.bool_)
    with flushed(), threads(1):
        for fold in folds:
            survived[fold.number, list(_last(job, fold, count))] = True
            job.progress.advance()
    return stability(features, survived, threshold)


def _last(job: Context, fold: Fold, count: int) -> tuple[int, ...]:
    watched = with_watch(fold, job.dataset, job.ask.seed)
    return within(train_path(job.dataset, watched, PLAN, job.metric, job.ask.seed), count).features


def _names(job: Context) -> tuple[str, ...]:
    return tuple(column.name for column in job.dataset.layout.columns)
