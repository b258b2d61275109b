"""A recipe's score: the best epoch of its mean curve over folds and seeds, never each fold's own best."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridle.core import Recipe, Regularizer, dials, toml
from bridle.errors import SearchError
from bridle.records import Candidate, Outcome

Floats = NDArray[np.float64]


def candidate(
    number: int,
    name: str,
    recipe: Recipe,
    dials: Mapping[str, Any],
    outcomes: Sequence[Outcome],
    higher_is_better: bool,
    *,
    until: int = 0,
    warm: int | None = None,
) -> Candidate:
    """A tried recipe with its score, taken at one epoch for all folds and seeds.

    The epoch is the best of the mean ``score`` curve; of equal epochs it is the earliest. An epoch counts only if every
    member has a finite score there, so a member that failed rules out the epochs from its failure on.

    Args:
        number: Its number in the search.
        name: What it is called in the evidence.
        recipe: The recipe, nothing free in it.
        dials: The values that the search chose, by address.
        outcomes: One per fold and seed.
        higher_is_better: Which way the metric points.
        until: The epoch at which the search dropped it; 0 where it was trained to its end.
        warm: The number of the candidate whose weights it started from.

    Raises:
        SearchError: If there is no outcome.
    """
    if not outcomes:
        raise SearchError(f"{name} has no outcome: train it on at least one fold before it is scored.")
    scores_ME = curves(outcomes, "score")
    means = scores_ME.mean(axis=0)
    if not np.isfinite(means).any():
        epoch, score, error, gap, failure = 0, np.nan, np.nan, np.nan, _first_cause(outcomes)
    else:
        at = int(np.nanargmax(means) if higher_is_better else np.nanargmin(means))
        epoch, score, error, failure = at + 1, means[at], standard_error(scores_ME[:, at]), None
        gap = _gap(scores_ME, curves(outcomes, "clean"), at, higher_is_better)
    return Candidate(
        number=number,
        name=name,
        recipe=toml.dumps(recipe),
        dials=dict(dials),
        active=tuple(item.key for item in recipe.regularizers if is_on(item)),
        epoch=epoch,
        score=float(score),
        error=float(error),
        gap=float(gap),
        outcomes=tuple(outcomes),
        failure=failure,
        until=until,
        warm=warm,
    )


def curves(outcomes: Sequence[Outcome], series: str) -> Floats:
    """One series of all members as ``(members, epochs)``, as long as the longest curve.

    It is NaN where a member has no finite value. A member that early stopping ended carries the value of its restored
    epoch on to the end.
    """
    epochs = max((outcome.curves.epochs for outcome in outcomes), default=0)
    filled_ME = np.full((len(outcomes), epochs), np.nan)
    for row, outcome in zip(filled_ME, outcomes, strict=True):
        values = outcome.curves.series.get(series, [])
        row[: len(values)] = values
        if values and outcome.stopped is not None and outcome.failure is None:
            row[len(values) :] = values[outcome.stopped - 1]
    filled_ME[~np.isfinite(filled_ME)] = np.nan
    return filled_ME


def member_scores(scored: Candidate) -> dict[tuple[int, int], float]:
    """The scores at the candidate's epoch, by (fold, seed); empty for a failed candidate."""
    if scored.failure is not None:
        return {}
    column = curves(scored.outcomes, "score")[:, scored.epoch - 1]
    return {(item.fold, item.seed): float(value) for item, value in zip(scored.outcomes, column, strict=True)}


def standard_error(values: Floats) -> float:
    """The standard error of the mean of ``values``; NaN of fewer than two."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _gap(scores_ME: Floats, clean_ME: Floats, at: int, higher_is_better: bool) -> float:
    worse = scores_ME[:, at] - clean_ME[:, at]
    return float(np.mean(-worse if higher_is_better else worse))


def _first_cause(outcomes: Sequence[Outcome]) -> str:
    causes = (f"fold {item.fold}, seed {item.seed}: {item.failure}" for item in outcomes if item.failure)
    return next(causes, "no epoch has a finite score in every fold")


def is_on(item: Regularizer) -> bool:
    """Whether it does anything: with its first dial (a strength, an angle ...) or its rate at zero it does not."""
    deciding = [*list(dials(type(item)))[:1], "rate"]
    return all(getattr(item, name, None) != 0 for name in deciding)
