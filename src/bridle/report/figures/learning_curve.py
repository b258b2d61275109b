"""The score against the number of training rows, with the power law up to twice the data."""

from typing import Any

from bridle.records import CurvePoint, LearningCurve
from bridle.report.figures.figure import CHOSEN, FAINT, GAP, VALIDATION, Figure, axis, layout
from bridle.report.wording import count, interval, metric_name, number


def learning_curve_figure(curve: LearningCurve, metric: str) -> Figure:
    """Measured points with intervals, the fitted law with its band, and a line where the data ends."""
    name = metric_name(metric)
    rows = [point.rows for point in curve.points]
    end = {"type": "line", "x0": curve.rows, "x1": curve.rows, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
           "line": {"color": FAINT, "width": 1.5, "dash": "dot"}}  # fmt: skip
    ticks = sorted({round(at) for at in (*rows, curve.rows, 2 * curve.rows)})
    return Figure(
        [*_band(curve.fitted), _law(curve), _points(curve)],
        layout(
            340,
            xaxis=axis(
                "training rows",
                type="log",
                showgrid=False,
                tickmode="array",
                tickvals=_apart(ticks),
                ticktext=[f"{at:,}" for at in _apart(ticks)],
            ),
            yaxis=axis(name, nticks=6),
            shapes=[end],
        ),
        f"{name} against the number of training rows, with a power law to twice the data.",
        caption=f"Dots: measured, a mean over {count(curve.splits, 'split')} with its 95 % interval. Line: the power "
        "law through them with its own. The dotted line is where the data ends; right of it the law is extrapolated.",
        keys=(("measured", CHOSEN), ("power law", VALIDATION)),
    )


def _apart(ticks: list[int]) -> list[int]:
    """Ticks that are far enough from each other for their labels."""
    kept = ticks[:1]
    for at in ticks[1:]:
        if at > 1.2 * kept[-1]:
            kept.append(at)
    return kept


def _band(fitted: tuple[CurvePoint, ...]) -> list[dict[str, Any]]:
    """One closed outline: along the upper ends and back along the lower ones."""
    ends = [(point.rows, point.score.low, point.score.high) for point in fitted]
    low = [(rows, value) for rows, value, _ in ends if value is not None]
    high = [(rows, value) for rows, _, value in ends if value is not None]
    outline = [*high, *reversed(low)]
    if not outline:
        return []
    band = {
        "type": "scatter",
        "mode": "lines",
        "x": [rows for rows, _ in outline],
        "y": [value for _, value in outline],
        "fill": "toself",
        "fillcolor": GAP,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    return [band]


def _law(curve: LearningCurve) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [point.rows for point in curve.fitted],
        "y": [point.score.value for point in curve.fitted],
        "line": {"color": VALIDATION, "width": 2},
        "text": [f"{number(round(point.rows), 4)} rows: {interval(point.score)}" for point in curve.fitted],
        "hovertemplate": "power law, %{text}<extra></extra>",
    }


def _points(curve: LearningCurve) -> dict[str, Any]:
    scores = [point.score for point in curve.points]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [point.rows for point in curve.points],
        "y": [score.value for score in scores],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [0.0 if score.high is None else score.high - score.value for score in scores],
            "arrayminus": [0.0 if score.low is None else score.value - score.low for score in scores],
            "color": CHOSEN,
            "thickness": 1.5,
            "width": 0,
        },
        "marker": {"color": CHOSEN, "size": 9},
        "text": [f"{number(round(point.rows), 4)} rows: {interval(point.score)}" for point in curve.points],
        "hovertemplate": "measured, %{text}<extra></extra>",
    }
