"""The score against the number of training rows."""

from dataclasses import dataclass

from bridle.records.estimate import Estimate


@dataclass(frozen=True)
class CurvePoint:
    """The metric at one number of training rows.

    Args:
        rows: The number of training rows, a mean over splits where they differ.
        score: The metric with its interval; the single values are those of the splits.
        epoch: The epoch that is best on the mean curve at this size; 0 on the fitted curve.
    """

    rows: float
    score: Estimate
    epoch: int = 0


@dataclass(frozen=True)
class PowerLaw:
    """``limit + scale * rows ** -exponent``.

    Args:
        limit: What the metric tends to with ever more rows, as far as the law holds.
        scale: How far from it one row would be; negative for a metric where higher is better.
        exponent: How fast the rest shrinks; 0 where no improvement with rows was seen.
    """

    limit: float
    scale: float
    exponent: float


@dataclass(frozen=True)
class LearningCurve:
    """The recipe trained on nested parts of the training rows, scored on the same rows.

    Args:
        points: What was measured, the fewest rows first.
        law: The power law through the points.
        fitted: The law from the fewest rows to twice the data, with intervals.
        rows: The training rows there are: what the refit trains on.
        doubled: The law at twice as many rows.
        gain: What twice as many rows would buy over ``rows``, in the metric's unit; positive is better.
        splits: Over how many splits the intervals go.
    """

    points: tuple[CurvePoint, ...]
    law: PowerLaw
    fitted: tuple[CurvePoint, ...]
    rows: int
    doubled: Estimate
    gain: Estimate
    splits: int
