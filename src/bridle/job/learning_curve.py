"""What more data would buy: a job's recipe on nested parts of the training rows, as one population."""

import time
from collections.abc import Sequence

import numpy as np

from bridle.choosing.learning_curve import SHARES, learning_curve, part_recipe
from bridle.choosing.scoring import candidate, member_scores
from bridle.core import Recipe
from bridle.data.parts import nested
from bridle.errors import SearchError
from bridle.job.context import Context
from bridle.job.splits import Split, fresh_splits, sizes, train_on
from bridle.records import Candidate, LearningCurve

SEEDS = 2
"""Seeds, each on a division of the rows of its own."""


def parts(job: Context, seeds: int, shares: Sequence[float]) -> list[list[Split]]:
    """The splits at each share of the training rows.

    Raises:
        DataError: If the smallest part of a fold is too small.
        SearchError: If the shares are not three or more, ascending in (0, 1].
    """
    if len(shares) < 3 or list(shares) != sorted(set(shares)) or shares[0] <= 0 or shares[-1] != 1:
        raise SearchError(f"shares must be three or more, ascending in (0, 1] and end with 1; got {list(shares)}.")
    splits = fresh_splits(job, seeds)
    by_split = [[(part, seed) for part in nested(job.dataset, fold, shares, job.ask.seed)] for fold, seed in splits]
    return [list(same) for same in zip(*by_split, strict=True)]


def curve(job: Context, recipe: Recipe, seeds: int = SEEDS, shares: Sequence[float] = SHARES) -> LearningCurve:
    """The recipe's learning curve.

    Raises:
        BridleError: If there are too few rows, or a training failed.
    """
    began, by_share = time.perf_counter(), parts(job, seeds, shares)
    recipes = {
        number: (part_recipe(recipe, share), splits)
        for number, (share, splits) in enumerate(zip(shares, by_share, strict=True))
    }
    job.progress.stage("learning curve", sum(len(splits) for splits in by_share))
    higher = job.metric.higher_is_better
    scored = [
        candidate(number, f"{shares[number]:.3g} of the training rows", recipes[number][0], {}, outcomes, higher)
        for number, outcomes in train_on(job, "curve", recipes).items()
    ]
    for item in scored:
        if item.failure is not None:
            raise SearchError(f"The learning curve failed on {item.name}: {item.failure}. Mend the recipe first.")
    found = learning_curve(
        [sizes(splits)[0] for splits in by_share],
        np.array([_by_split(item, splits) for item, splits in zip(scored, by_share, strict=True)]),
        [item.epoch for item in scored],
        all_rows=len(job.rows),
        score_rows=sizes(by_share[-1])[1],
        higher_is_better=higher,
        seed=job.ask.seed,
    )
    job.seconds["learning curve"] = time.perf_counter() - began
    return found


def _by_split(scored: Candidate, splits: Sequence[Split]) -> list[float]:
    """Its scores, a mean over seeds for each fold."""
    scores = member_scores(scored)
    folds = sorted({fold.number for fold, _ in splits})
    return [float(np.mean([score for (own, _), score in scores.items() if own == fold])) for fold in folds]
