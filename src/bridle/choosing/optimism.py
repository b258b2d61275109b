"""The optimism of the best of many: how much better the chosen score looks than it is, from stored predictions.

Legend of the axes: ``R`` resamples, ``C`` candidates, ``M`` members (fold and seed), ``E`` epochs, ``N`` rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from bridle.choosing._weightings import Numbers, counts, is_mean, under_weights
from bridle.choosing.scoring import curves
from bridle.choosing.statistics import LEVEL
from bridle.metrics.metric import Metric
from bridle.records import Candidate, Choice, Estimate, Optimism, Outcome

Kept: TypeAlias = tuple[NDArray[np.int64], NDArray[np.floating[Any]]]
Read: TypeAlias = Callable[[Outcome], Kept | None]
"""From a member's outcome to its score rows ``(N,)`` and, epoch by epoch, what it predicted for them: probabilities
``(E, N, C)`` or numbers ``(E, N)``; ``None`` where nothing was kept. Members of one fold have the same rows."""

RESAMPLES, FEWEST = 1000, 200
EPOCHS = 16
"""Epochs of a recipe that are tried at most, evenly spaced: neighbours are nearly the same."""
MEANS_WORK, OTHER_WORK = 2 * 10**9, 2 * 10**8
"""Rows x resamples x options at most, for means over rows and for other metrics."""
LEAST_ROWS = 2000
"""What one value of another metric costs at least, in rows."""


def optimism(
    candidates: Sequence[Candidate],
    choice: Choice,
    read: Read,
    metric: Metric,
    targets: NDArray[Any],
    weights: Numbers | None = None,
    *,
    seed: int,
) -> Optimism | None:
    """How much better the chosen recipe's score on the folds looks than it is, by bootstrapping the choice.

    In each of up to 1,000 resamples the rows of every fold are drawn with replacement; on the rows drawn each recipe's
    epoch is chosen anew and then the recipe, by the rule that was asked for (one standard error included: paired
    differences of the drawn folds and seeds, fewest active regularizers, smallest gap to the stored clean scores). What
    is chosen is scored on the rows that were not drawn. Since these had no part in the choice, the mean of such scores
    has no optimism; it is a little pessimistic, as the drawn rows choose worse than all do.

    Choosing the epoch is a part of choosing, so it is repeated: taken as given, its optimism would stay in the result.
    Of a long curve 16 epochs are tried, fewer where the work would exceed 2 x 10^9 row values (2 x 10^8 for metrics
    that are no mean over rows).

    The interval is over rows, given the folds' trained models. The scores of the undrawn rows are those of a random
    subset, so their spread is brought to that of all rows by the factor of the delete-d jackknife. It covers the truth
    as often as it says where rows are hard or easy for all recipes alike, and more often the less they share.

    Args:
        candidates: All that were tried; those that failed or lack predictions are left out and counted.
        choice: What was chosen among them.
        read: Gives a member's predictions.
        metric: The metric that chose.
        targets: ``(rows of the data set,)``.
        weights: The weights of the rows, or ``None``.
        seed: The seed of the resampling.

    Returns:
        ``None`` where the chosen recipe's predictions were not kept, or no resample has a score.

    References: Tsamardinos, Greasidou and Borboudakis 2018, "Bootstrapping the out-of-sample predictions for efficient
    and accurate cross-validation"; Shao and Wu 1989, "A general theory for jackknife variance estimation".
    """
    chosen = next(item for item in candidates if item.number == choice.number)
    rows = _rows_of_folds(chosen, read)
    if rows is None:
        return None
    comparable = [item for item in sorted(candidates, key=lambda item: item.number) if _pairs(item) == _pairs(chosen)]
    n, most = _limits(comparable, metric, rows)
    rng = np.random.default_rng(seed)
    drawn = {fold: np.concatenate(list(counts(n, many, rng)), axis=1) for fold, many in rows.items()}
    undrawn = {fold: (many == 0).astype(np.float64) for fold, many in drawn.items()}
    scoring = _Scoring(read, metric, targets, weights)
    found = [(item, _options(item, most, scoring, drawn)) for item in comparable]
    options = [(item, option) for item, option in found if option is not None]
    scores_R = _scores_of_picked(options, _picked(options, choice.rule, metric), scoring, undrawn)
    scores_R = scores_R[np.isfinite(scores_R)]
    if len(scores_R) < FEWEST // 2:
        return None
    corrected = _estimate(scores_R, float(np.mean(np.concatenate([many.mean(1) for many in undrawn.values()]))))
    apparent = _apparent(chosen, scoring, rows)
    worse = apparent - corrected.value if metric.higher_is_better else corrected.value - apparent
    return Optimism(apparent, corrected, worse, len(options), most, len(candidates) - len(options))


@final
@dataclass(frozen=True, eq=False)
class _Scoring:
    """The metric of a candidate's members at some epochs under many weightings of the rows."""

    read: Read
    metric: Metric
    targets: NDArray[Any]
    weights: Numbers | None

    def __call__(self, item: Candidate, epochs: Sequence[int], weightings: Mapping[int, Numbers]) -> Numbers | None:
        """From weightings ``(N, R)`` of each fold's rows to values ``(M, E, R)``; ``None`` without predictions."""
        values = [self._member(outcome, epochs, weightings[outcome.fold]) for outcome in item.outcomes]
        sound = [value for value in values if value is not None]
        return np.stack(sound) if len(sound) == len(values) else None

    def _member(self, outcome: Outcome, epochs: Sequence[int], weights_NR: Numbers) -> Numbers | None:
        kept = self.read(outcome)
        if kept is None:
            return None
        rows, predicted = kept
        if self.weights is not None:
            weights_NR = weights_NR * self.weights[rows, None]
        values = []
        with np.errstate(invalid="ignore", divide="ignore"):
            for epoch in epochs:
                numbers = predicted[_place(outcome, epoch, len(predicted))].astype(np.float64)
                values.append(under_weights(self.metric, self.targets[rows], numbers)(weights_NR))
        return np.stack(values)


@final
@dataclass(frozen=True, eq=False)
class _Options:
    """One candidate's best epoch in each resample, and what it scores there."""

    epochs_R: NDArray[np.int64]
    scores_RM: Numbers
    gaps_R: Numbers


def _options(item: Candidate, most: int, scoring: _Scoring, drawn: Mapping[int, Numbers]) -> _Options | None:
    sign = -1.0 if scoring.metric.higher_is_better else 1.0
    tried = _tried_epochs(item, most)
    scores_MER = scoring(item, tried, drawn)
    if scores_MER is None:
        return None
    at_R = (sign * scores_MER.mean(0)).argmin(0)
    scores_RM = np.take_along_axis(scores_MER, at_R[None, None], axis=1)[:, 0].T
    clean_E = curves(item.outcomes, "clean").mean(0)
    gaps_R = sign * (scores_RM.mean(1) - clean_E[np.asarray(tried)[at_R]])
    return _Options(np.asarray(tried)[at_R], scores_RM, np.where(np.isnan(gaps_R), np.inf, gaps_R))


def _picked(options: Sequence[tuple[Candidate, _Options]], rule: str, metric: Metric) -> NDArray[np.int64]:
    """Which candidate each resample chooses, as :func:`bridle.choosing.selection.select` does."""
    sign = -1.0 if metric.higher_is_better else 1.0
    scores_RCM = np.stack([option.scores_RM for _, option in options], axis=1)
    means_RC = sign * scores_RCM.mean(2)
    best_R: NDArray[np.int64] = means_RC.argmin(1)
    if rule == "best":
        return best_R
    worse_RCM = sign * (scores_RCM - np.take_along_axis(scores_RCM, best_R[:, None, None], axis=1))
    members = scores_RCM.shape[2]
    errors_RC = worse_RCM.std(axis=2, ddof=1) / np.sqrt(members) if members > 1 else np.zeros_like(means_RC)
    far_RC = worse_RCM.mean(2) > errors_RC
    gaps_RC = np.stack([option.gaps_R for _, option in options], axis=1)
    active_C = np.array([len(item.active) for item, _ in options])
    keys = (means_RC, gaps_RC, np.broadcast_to(active_C, means_RC.shape), far_RC)
    chosen_R: NDArray[np.int64] = np.lexsort(keys, axis=1)[:, 0]
    return chosen_R


def _scores_of_picked(
    options: Sequence[tuple[Candidate, _Options]],
    picked_R: NDArray[np.int64],
    scoring: _Scoring,
    undrawn: Mapping[int, Numbers],
) -> Numbers:
    """What each resample's choice scores on the rows that were not drawn."""
    scores_R = np.full(len(picked_R), np.nan)
    for place, (item, option) in enumerate(options):
        for epoch in np.unique(option.epochs_R[picked_R == place]).tolist():
            chose = np.flatnonzero((picked_R == place) & (option.epochs_R == epoch))
            scores = scoring(item, [epoch], {fold: many[:, chose] for fold, many in undrawn.items()})
            assert scores is not None  # noqa: S101 - candidates without predictions are no options
            scores_R[chose] = scores.mean(axis=(0, 1))
    return scores_R


def _apparent(chosen: Candidate, scoring: _Scoring, rows: Mapping[int, int]) -> float:
    scores = scoring(chosen, [chosen.epoch - 1], {fold: np.ones((many, 1)) for fold, many in rows.items()})
    assert scores is not None  # noqa: S101 - its predictions were asked for before
    return float(scores.mean())


def _estimate(scores_R: Numbers, share: float) -> Estimate:
    """The mean, with the scores' percentiles brought nearer to it: they are of a ``share`` of the rows only."""
    mean = float(scores_R.mean())
    ends = np.quantile(scores_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = (mean + np.sqrt(share / (1 - share)) * (ends - mean)).tolist()
    return Estimate(mean, low, high)


def _pairs(item: Candidate) -> list[tuple[int, int]]:
    """Folds and seeds; none of a candidate that failed."""
    return [] if item.failure is not None else [(outcome.fold, outcome.seed) for outcome in item.outcomes]


def _rows_of_folds(item: Candidate, read: Read) -> dict[int, int] | None:
    """How many rows of each fold were kept, or ``None`` where any is missing."""
    found = {outcome.fold: read(outcome) for outcome in item.outcomes}
    rows = {fold: len(kept[0]) for fold, kept in found.items() if kept is not None}
    return rows if len(rows) == len(found) else None


def _limits(able: Sequence[Candidate], metric: Metric, rows: Mapping[int, int]) -> tuple[int, int]:
    """How many resamples, and how many epochs of each candidate."""
    work, least = (MEANS_WORK, 1) if is_mean(metric) else (OTHER_WORK, LEAST_ROWS)
    each = sum(max(rows[outcome.fold], least) for item in able for outcome in item.outcomes)
    epochs = min(EPOCHS, max(len(_sound_epochs(item)) for item in able), max(1, work // (each * FEWEST)))
    return min(RESAMPLES, max(FEWEST, work // (each * epochs))), epochs


def _sound_epochs(item: Candidate) -> NDArray[np.int64]:
    """The epochs, counted from 0, at which every member has a finite score."""
    return np.flatnonzero(np.isfinite(curves(item.outcomes, "score").mean(0)))


def _tried_epochs(item: Candidate, most: int) -> list[int]:
    """Evenly spaced sound epochs, its own among them."""
    sound = _sound_epochs(item)
    own = item.epoch - 1
    if most == 1:
        return [own]
    spaced = sound[np.linspace(0, len(sound) - 1, min(most, len(sound))).round().astype(int)]
    spaced[np.abs(spaced - own).argmin()] = own
    return sorted(set(spaced.tolist()))


def _place(outcome: Outcome, epoch: int, kept: int) -> int:
    """Where an epoch's predictions are: one that early stopping ended carries on those of its restored epoch."""
    return epoch if epoch < kept or outcome.stopped is None else outcome.stopped - 1
