"""The axis of scores that the figures of the search share, and the mark of one standard error on it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bridle.records import Evidence
from bridle.report.figures.figure import FAINT, finite

REACH = 3.0


def limits(scores: Sequence[float], higher_is_better: bool) -> tuple[float, float]:
    """A range that shows the good candidates apart; scores far off on the bad side fall outside of it."""
    values = np.asarray(scores, dtype=np.float64)
    lower, upper = np.quantile(values, [0.25, 0.75])
    reach = REACH * (upper - lower)
    low, high = float(values.min()), float(values.max())
    if reach > 0 and higher_is_better:
        low = max(low, float(lower - reach))
    elif reach > 0:
        high = min(high, float(upper + reach))
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def clipped(score: float, limits: tuple[float, float]) -> float:
    """The score, or the edge of the axis where it lies beyond."""
    margin = 0.03 * (limits[1] - limits[0])
    return min(max(score, limits[0] + margin), limits[1] - margin)


def symbol(score: float, limits: tuple[float, float], chosen: bool) -> str:
    """A triangle beyond the axis, a diamond for the chosen one, else a dot."""
    if score > limits[1]:
        return "triangle-up"
    if score < limits[0]:
        return "triangle-down"
    return "diamond" if chosen else "circle"


def standard_error_mark(evidence: Evidence) -> list[dict[str, Any]]:
    """A line at one standard error from the best candidate, on the worse side."""
    if evidence.choice is None:
        return []
    best = next((candidate for candidate in evidence.candidates if candidate.number == evidence.choice.best), None)
    if best is None or finite([best.error, best.score]).count(None):
        return []
    level = best.score - best.error if evidence.higher_is_better else best.score + best.error
    line = {"color": FAINT, "width": 1.5, "dash": "dot"}
    return [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level, "y1": level, "line": line}]
