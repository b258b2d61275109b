"""The score against the number of features, and the strength at which each feature disappears."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridle.records.feature_path import CountScore
from bridle.report.figures.figure import CHOSEN, FAINT, OTHER, Figure, axis, label, layout
from bridle.report.wording import metric_name, number

MOST = 40


def count_figure(scores: Sequence[CountScore], chosen: int, metric: str) -> Figure:
    """The mean score over folds with its standard error; the chosen number is marked."""
    at = [item for item in scores if item.count == chosen]
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [item.count for item in scores],
        "y": [item.mean for item in scores],
        "error_y": {"type": "data", "array": [_error(item) for item in scores], "color": FAINT, "thickness": 1},
        "line": {"color": OTHER, "width": 1.75},
        "marker": {"color": OTHER, "size": 5},
        "text": [number(item.mean) for item in scores],
        "hovertemplate": "%{x} features: %{text}<extra></extra>",
    }
    mark = {
        "type": "scatter",
        "mode": "markers",
        "x": [item.count for item in at],
        "y": [item.mean for item in at],
        "marker": {"color": CHOSEN, "size": 13, "symbol": "diamond"},
        "hoverinfo": "skip",
    }
    name = metric_name(metric)
    return Figure(
        [curve, mark],
        layout(320, xaxis=axis("features", showgrid=False), yaxis=axis(nticks=6)),
        f"{name} against the number of features; {chosen} are chosen.",
        f"{name} against the number of features",
        "Mean over the folds with one standard error. The diamond is the number chosen.",
    )


def _error(item: CountScore) -> float | None:
    return item.error if item.error == item.error else None  # NaN of a single fold


def importance_figure(importance: Mapping[str, float], kept: Sequence[str]) -> Figure:
    """A bar per feature, the longest-lived first; those that are kept in the colour of the choice."""
    names = sorted(importance, key=lambda name: -importance[name])[:MOST]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [importance[name] for name in names],
        "y": list(range(len(names))),
        "marker": {"color": [CHOSEN if name in kept else OTHER for name in names]},
        "text": [label(name) for name in names],
        "customdata": [number(importance[name]) for name in names],
        "textposition": "none",
        "hovertemplate": "%{text}: gone at strength %{customdata}<extra></extra>",
    }
    ticks: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [label(name) for name in names],
    }
    more = f" The {MOST} that last longest of {len(importance)}." if len(importance) > MOST else ""
    return Figure(
        [bars],
        layout(
            60 + 20 * len(names),
            xaxis=axis("strength at which it disappears", type="log"),
            yaxis=axis(autorange="reversed", showgrid=False, **ticks),
        ),
        "The strength at which each feature disappears.",
        "Which features last",
        f"The longer a feature lasts while the penalty grows, the more the network needs it.{more}",
    )
