"""Results on the sealed test rows: the chosen recipe against the baselines."""

from dataclasses import dataclass
from typing import Any

from bridle.records import Comparison, Estimate, Evidence
from bridle.report.figures.intervals import difference_figure, results_figure
from bridle.report.reading import Standing, standing
from bridle.report.wording import NOTHING, arrow, interval, metric_name, tested_name

TONES = {Standing.BETTER: "good", Standing.WORSE: "bad", Standing.UNCLEAR: "unclear", Standing.UNKNOWN: "unclear"}


@dataclass(frozen=True)
class Cell:
    """What one cell of a table says."""

    value: str = NOTHING
    interval: str = ""
    reading: str = ""
    tone: str = ""


def content(evidence: Evidence) -> dict[str, Any] | None:
    """Two figures, and tables of every metric and of every difference."""
    if not evidence.tested:
        return None
    figures = (results_figure(evidence), difference_figure(evidence))
    return {
        "figures": [figure for figure in figures if figure is not None],
        "names": [_name(evidence, tested.name) for tested in evidence.tested],
        "metrics": _metrics(evidence),
        "others": [_name(evidence, other) for other in _others(evidence)],
        "differences": _differences(evidence),
    }


def _name(evidence: Evidence, name: str) -> str:
    return tested_name(name, evidence.task, evidence.choice is not None)


def _heading(evidence: Evidence, metric: str) -> str:
    way = arrow(metric, evidence.higher_is_better if metric == evidence.metric else None)
    return f"{metric_name(metric)} {way}".strip()


def _metrics(evidence: Evidence) -> list[dict[str, Any]]:
    names = dict.fromkeys([evidence.metric, *(name for tested in evidence.tested for name in tested.metrics)])
    return [
        {
            "heading": _heading(evidence, name),
            "main": name == evidence.metric,
            "cells": [
                Cell(*_parted(tested.metrics[name])) if name in tested.metrics else Cell() for tested in evidence.tested
            ],
        }
        for name in names
        if any(name in tested.metrics for tested in evidence.tested)
    ]


def _others(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys(comparison.other for comparison in evidence.comparisons))


def _differences(evidence: Evidence) -> list[dict[str, Any]]:
    found = {(comparison.metric, comparison.other): comparison for comparison in evidence.comparisons}
    metrics = dict.fromkeys(comparison.metric for comparison in evidence.comparisons)
    return [
        {
            "heading": metric_name(metric),
            "main": metric == evidence.metric,
            "cells": [_cell(found.get((metric, other))) for other in _others(evidence)],
        }
        for metric in metrics
    ]


def _cell(comparison: Comparison | None) -> Cell:
    if comparison is None:
        return Cell()
    reading = standing(comparison.difference)
    return Cell(*_parted(comparison.difference), reading.value, TONES[reading])


def _parted(estimate: Estimate) -> tuple[str, str]:
    value, _, span = interval(estimate).partition(" ")
    return value, span
