"""Dots with intervals: results on the sealed test rows, and what the chosen recipe is ahead of each."""

from typing import Any

from bridle.records import Comparison, Estimate, Evidence, Tested
from bridle.report.figures.figure import CHOSEN, FAINT, OTHER, Figure, axis, label, layout, named_ticks
from bridle.report.reading import main_comparisons
from bridle.report.wording import direction, interval, metric_name, sentence, tested_name

ROW = 38


def results_figure(evidence: Evidence) -> Figure | None:
    """The main metric of everything tested; ``None`` where there is nothing to compare."""
    shown = [tested for tested in evidence.tested if evidence.metric in tested.metrics]
    if len(shown) < 2:
        return None
    names = [tested_name(tested.name, evidence.task, evidence.choice is not None) for tested in shown]
    data: list[dict[str, Any]] = []
    for row, (tested, name) in enumerate(zip(shown, names, strict=True)):
        data += _row(row, name, tested.metrics[evidence.metric], _colour(tested))
    metric = metric_name(evidence.metric)
    return Figure(
        data,
        _rows_layout(names),
        f"{metric} with interval for {', '.join(names)}.",
        sentence(f"{metric} ({direction(evidence.higher_is_better)})"),
        "Each dot is a mean over refits; the line is its interval, the pale dots are the single seeds. Where lines "
        "overlap widely, look at the differences: they are paired row by row and so much sharper.",
    )


def difference_figure(evidence: Evidence) -> Figure | None:
    """How far the chosen recipe is ahead of each other on the main metric; ``None`` without comparisons."""
    shown = main_comparisons(evidence)
    if not shown:
        return None
    names = [f"against {tested_name(comparison.other, evidence.task)}" for comparison in shown]
    data: list[dict[str, Any]] = []
    for row, (comparison, name) in enumerate(zip(shown, names, strict=True)):
        data += _row(row, name, comparison.difference, CHOSEN if _clear(comparison) else OTHER)
    figure_layout = _rows_layout(names)
    figure_layout["xaxis"] |= {"zeroline": True, "zerolinecolor": FAINT, "zerolinewidth": 2, "rangemode": "tozero"}
    return Figure(
        data,
        figure_layout,
        f"Paired differences in {metric_name(evidence.metric)} for {', '.join(names)}.",
        "How much better the chosen recipe is",
        "Right of zero the chosen recipe is better, left of it worse, in the metric's unit. An interval that touches "
        "zero (grey) means that these test rows show no difference.",
    )


def _colour(tested: Tested) -> str:
    return CHOSEN if tested.name == "chosen" else OTHER


def _clear(comparison: Comparison) -> bool:
    low, high = comparison.difference.low, comparison.difference.high
    return low is not None and high is not None and (low > 0 or high < 0)


def _row(row: int, name: str, estimate: Estimate, colour: str) -> list[dict[str, Any]]:
    hover = f"{label(name)}: {interval(estimate)}<extra></extra>"
    main: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": [estimate.value],
        "y": [row],
        "marker": {"color": colour, "size": 11},
        "hovertemplate": hover,
    }
    if estimate.low is not None and estimate.high is not None:
        main["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, estimate.high - estimate.value)],
            "arrayminus": [max(0.0, estimate.value - estimate.low)],
            "color": colour,
            "thickness": 2.5,
            "width": 0,
        }
    single: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": list(estimate.values),
        "y": [row + 0.26] * len(estimate.values),
        "marker": {"color": colour, "size": 5, "opacity": 0.4, "line": {"width": 0}},
        "hoverinfo": "skip",
    }
    return [single, main] if len(estimate.values) > 1 else [main]


def _rows_layout(names: list[str]) -> dict[str, Any]:
    ticks = named_ticks(names) | {"range": [len(names) - 0.4, -0.6], "showgrid": False, "ticks": ""}
    ticks["ticktext"] = [label(name, 34) for name in names]
    return layout(56 + ROW * len(names), xaxis=axis(nticks=6), yaxis=axis(**ticks))
