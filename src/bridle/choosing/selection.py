"""Which of the tried recipes to choose: the best mean, or the simplest within one standard error of it."""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from bridle.choosing.scoring import member_scores, standard_error
from bridle.errors import SearchError
from bridle.records import Candidate, Choice

Rule: TypeAlias = Literal["one-se", "best"]


def select(
    candidates: Sequence[Candidate], rule: Rule = "one-se", *, higher_is_better: bool, metric: str = "score"
) -> Choice:
    """The chosen candidate, with the reason.

    ``"best"`` takes the best mean. ``"one-se"`` takes, among the candidates whose paired fold-and-seed difference from
    the best is within one standard error of that difference, the one with the fewest active regularizers, then with the
    smallest gap.

    Args:
        candidates: All that were tried; those that failed, or were dropped before their end, are never chosen.
        rule: ``"one-se"`` or ``"best"``.
        higher_is_better: Which way the metric points.
        metric: What the score is called in the reason.

    Raises:
        SearchError: If the rule is unknown, or there is no candidate, or all failed.

    Reference: Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", section 3.4.3, with the
    standard error of the paired difference in place of that of the best mean.
    """
    if rule not in get_args(Rule):
        raise SearchError(f"The selection rule must be one of {', '.join(get_args(Rule))}; got {rule!r}.")
    sound = [item for item in candidates if item.failure is None and not item.until]
    if not sound:
        raise SearchError(_nothing_to_choose(candidates))
    sign = -1.0 if higher_is_better else 1.0
    best = min(sound, key=lambda item: (sign * item.score, item.number))
    near = [item for item in sound if _is_within(item, best, sign)]
    near.sort(key=lambda item: (*_complexity(item), sign * item.score, item.number))
    chosen = near[0] if rule == "one-se" else best
    reason = _reason_simple(chosen, best, near, metric) if rule == "one-se" else _reason_best(best, len(sound), metric)
    return Choice(chosen.number, best.number, rule, tuple(item.number for item in near), reason)


def _is_within(item: Candidate, best: Candidate, sign: float) -> bool:
    """Whether ``item`` is worse than ``best`` by at most one standard error of their paired difference."""
    if item is best:
        return True
    mine, others = member_scores(item), member_scores(best)
    worse = sign * np.array([mine[pair] - others[pair] for pair in mine if pair in others])
    if not len(worse):
        return False
    return bool(worse.mean() <= (standard_error(worse) if len(worse) > 1 else 0.0))


def _complexity(item: Candidate) -> tuple[int, float]:
    return len(item.active), math.inf if math.isnan(item.gap) else item.gap


def _nothing_to_choose(candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return "There is no candidate to choose from: the search tried none."
    first = next(item for item in candidates if item.failure is not None)
    ended = [item for item in candidates if not item.until]
    which = f"{len(ended)} tried recipes" if len(ended) == len(candidates) else f"{len(ended)} recipes that went on"
    return f"All {which} failed; the first cause ({first.name}): {first.failure}"


def _scored(item: Candidate) -> str:
    error = "" if math.isnan(item.error) else f" ± {item.error:.2g}"
    return f"{item.score:.4g}{error} after epoch {item.epoch}"


def _count(item: Candidate) -> str:
    number = len(item.active)
    return f"{number or 'no'} active regularizer{'' if number == 1 else 's'}"


def _reason_best(best: Candidate, tried: int, metric: str) -> str:
    return f"{best.name} has the best mean {metric} of {tried}: {_scored(best)}."


def _reason_simple(chosen: Candidate, best: Candidate, near: Sequence[Candidate], metric: str) -> str:
    if len(near) == 1:
        return (
            f"{best.name} has the best mean {metric}, {_scored(best)}, "
            "and no other recipe is within one standard error of it."
        )
    equals = [item for item in near if len(item.active) == len(chosen.active)]
    smallest = f" and, of the {len(equals)} with as few, the smallest gap ({chosen.gap:.3g})" if len(equals) > 1 else ""
    merit = f"{chosen.name} has the fewest regularizers ({_count(chosen)}){smallest}"
    among = f"among the {len(near)} recipes within one standard error of the best mean {metric}"
    if chosen is best:
        return f"{merit} {among}, which is its own: {_scored(best)}."
    return f"{merit} {among}: {_scored(chosen)}, against {_scored(best)} for {best.name} with {_count(best)}."
