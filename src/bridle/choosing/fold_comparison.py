"""The chosen recipe against another on the same folds."""

from collections.abc import Sequence

import numpy as np

from bridle.choosing.scoring import member_scores
from bridle.choosing.statistics import corrected_t
from bridle.metrics.metric import Metric
from bridle.records import Candidate, Comparison, Fold, Mark


def compare_on_folds(chosen: Candidate, other: Candidate, folds: Sequence[Fold], metric: Metric) -> Comparison | None:
    """By how much the chosen recipe is better on the folds that chose it, by the corrected resampled t-test.

    Each is scored at its own epoch; differences are averaged over seeds first, one value per fold. The result is
    optimistic, and says so: the chosen one is the best of many on these very folds.

    Args:
        chosen: The chosen candidate.
        other: A baseline.
        folds: The folds, by whose sizes the variance is corrected.
        metric: Which way is better.

    Returns:
        ``None`` where the two share no fold, or one of them failed.
    """
    mine, others = member_scores(chosen), member_scores(other)
    sign = 1.0 if metric.higher_is_better else -1.0
    differences = []
    for fold in folds:
        shared = [pair for pair in mine if pair in others and pair[0] == fold.number]
        if shared:
            differences.append(sign * float(np.mean([mine[pair] - others[pair] for pair in shared])))
    if not differences:
        return None
    return Comparison(other.name, metric.name, corrected_t(differences, *fold_sizes(folds)), optimistic=True)


def fold_sizes(folds: Sequence[Fold]) -> tuple[float, float]:
    """Mean numbers of training rows (watched ones included) and of score rows."""
    train = [len(fold.rows(Mark.TRAIN, Mark.WATCH)) for fold in folds]
    score = [len(fold.rows(Mark.SCORE)) for fold in folds]
    return float(np.mean(train)), float(np.mean(score))
