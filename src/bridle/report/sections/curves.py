"""Curves over epochs of the chosen recipe, beside those of no regularization."""

import math
from typing import Any

from bridle.records import Candidate, Evidence, Outcome
from bridle.report.figures.figure import Figure
from bridle.report.figures.training import metric_figure, part_figures, shared_limits
from bridle.report.reading import baseline, chosen_candidate, main_outcomes, repeats
from bridle.report.wording import direction, metric_name, number, sentence


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The metric with its gap, then the parts of the training loss."""
    outcomes = main_outcomes(evidence)
    chosen, unregularized = chosen_candidate(evidence), baseline(evidence)
    beside = unregularized.outcomes if chosen is not None and unregularized is not None else ()
    limits = shared_limits([outcomes, beside])
    name = metric_name(evidence.metric)
    title = f"Chosen recipe{_gap(chosen)}" if chosen is not None else "Given recipe"
    metrics = (
        metric_figure(outcomes, name, title, limits, _epoch(chosen)),
        metric_figure(beside, name, f"No regularization{_gap(unregularized)}", limits, _epoch(unregularized)),
    )
    shown: list[Figure] = [figure for figure in metrics if figure is not None]
    parts = part_figures(outcomes, _epoch(chosen))
    if not shown and not parts:
        return None
    return {
        "metric": sentence(f"{name} ({direction(evidence.higher_is_better)})"),
        "mean": _mean(outcomes),
        "marked": chosen is not None,
        "metrics": shown,
        "parts": parts,
    }


def _gap(candidate: Candidate | None) -> str:
    known = candidate is not None and math.isfinite(candidate.gap)
    return f", gap {number(candidate.gap, 2)}" if candidate is not None and known else ""


def _epoch(candidate: Candidate | None) -> int | None:
    return candidate.epoch if candidate is not None else None


def _mean(outcomes: tuple[Outcome, ...]) -> str:
    return f"Mean over {repeats(outcomes)}." if len(outcomes) > 1 else ""
