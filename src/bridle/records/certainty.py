"""How sure a result is: estimates with intervals, comparisons, optimism and nested cross-validation."""

from dataclasses import dataclass
from typing import Any

from bridle.records.estimate import Estimate


@dataclass(frozen=True)
class Comparison:
    """The chosen recipe against one other on the same rows, in the metric's unit.

    Positive means that the chosen one is better.

    Args:
        other: The name of the other.
        metric: The metric.
        difference: On the sealed test rows by a paired bootstrap over rows and seeds; on folds by the corrected
            resampled t-test, with one value per fold.
        optimistic: Whether the rows that are compared on made the choice, which favours the chosen one.
    """

    other: str
    metric: str
    difference: Estimate
    optimistic: bool = False


@dataclass(frozen=True)
class Optimism:
    """How much better the score of the chosen recipe looks than it is, because the same folds chose it.

    Args:
        apparent: The chosen recipe's score on the folds, on the rows whose predictions were kept.
        corrected: What the best of so many is worth on rows that did not choose it, with its interval over rows.
        optimism: By how much the apparent score is better than the corrected, whichever way the metric points.
        candidates: How many recipes the choice was among.
        epochs: How many epochs of each were among the options, at most.
        left_out: Recipes that failed or whose predictions were not kept.
    """

    apparent: float
    corrected: Estimate
    optimism: float
    candidates: int
    epochs: int
    left_out: int = 0


@dataclass(frozen=True)
class OuterFold:
    """One fold of nested cross-validation: what a search on its training rows chose, and how that does on the others.

    Args:
        fold: The number of the outer fold.
        score: Mean over seeds on the outer fold's score rows, which the search never saw.
        values: The scores, one per seed.
        inner: The score on the folds that made the choice.
        active: Names of the regularizers that are on in what was chosen.
        dials: The values that the search chose, by address.
        recipe: The chosen recipe as it was refitted, as TOML text.
    """

    fold: int
    score: float
    values: tuple[float, ...]
    inner: float
    active: tuple[str, ...]
    dials: dict[str, Any]
    recipe: str


@dataclass(frozen=True)
class Nested:
    """Nested cross-validation: what the whole procedure of searching and refitting is worth.

    Args:
        score: Mean over the outer folds, with the interval of the corrected resampled t-test.
        folds: The outer folds.
        comparisons: The chosen recipes against each baseline on the outer folds, which made no choice.
    """

    score: Estimate
    folds: tuple[OuterFold, ...]
    comparisons: tuple[Comparison, ...] = ()
