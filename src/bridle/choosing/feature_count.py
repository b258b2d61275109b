"""How many features to keep: cross-validation along the path of the hierarchical lasso."""

from collections.abc import Sequence
from typing import get_args

import numpy as np

from bridle.choosing.scoring import standard_error
from bridle.choosing.selection import Rule
from bridle.errors import SearchError
from bridle.records.feature_path import CountScore, PathStep

Path = Sequence[PathStep]


def by_count(path: Path, folds: Sequence[Path]) -> tuple[CountScore, ...]:
    """The folds' scores for every number of features that the whole path has, fewest first; none at all is left out.

    Strengths of two trainings are hard to compare, numbers of features are not. A fold's score is that of the smallest
    strength that left it at most so many.

    Args:
        path: The path of all rows.
        folds: The path of each fold, with scores.
    """
    found = []
    for count in sorted({len(step.features) for step in path} - {0}):
        scores = np.array([within(steps, count).score for steps in folds])
        found.append(CountScore(count, tuple(scores.tolist()), float(scores.mean()), standard_error(scores)))
    return tuple(found)


def within(path: Path, most: int) -> PathStep:
    """The network at the smallest strength that left it at most so many features."""
    return next(step for step in path if len(step.features) <= most)


def best_count(scores: Sequence[CountScore], rule: Rule = "one-se", *, higher_is_better: bool) -> CountScore:
    """The chosen number of features.

    ``"best"`` takes the best mean, of equal ones the fewest features. ``"one-se"`` takes the fewest features whose
    paired difference from the best is within one standard error of that difference.

    Raises:
        SearchError: If the rule is unknown, or no score is finite.

    Reference: Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", section 3.4.3.
    """
    if rule not in get_args(Rule):
        raise SearchError(f"The selection rule must be one of {', '.join(get_args(Rule))}; got {rule!r}.")
    sound = [item for item in scores if np.isfinite(item.mean)]
    if not sound:
        raise SearchError("No number of features has a finite score in every fold; the metric is not defined there.")
    sign = -1.0 if higher_is_better else 1.0
    best = min(sound, key=lambda item: (sign * item.mean, item.count))
    if rule == "best":
        return best
    return min((item for item in sound if _is_near(item, best, sign)), key=lambda item: item.count)


def _is_near(item: CountScore, best: CountScore, sign: float) -> bool:
    worse = sign * (np.array(item.scores) - np.array(best.scores))
    return item is best or bool(worse.mean() <= (standard_error(worse) if len(worse) > 1 else 0.0))
