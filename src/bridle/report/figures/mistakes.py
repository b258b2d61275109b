"""What goes wrong on the test rows: the confusion matrix of a classification, the residuals of a regression."""

from typing import Any

import numpy as np

from bridle.records import Confusion, Residuals
from bridle.report.figures.figure import CHOSEN, FAINT, Figure, axis, label, layout, named_ticks
from bridle.report.wording import number

WRITTEN = 12
NAMED = 25
BINS = 31


def confusion_figure(confusion: Confusion) -> Figure:
    """True against predicted classes; the colour is the share of the true class."""
    counts = np.asarray(confusion.counts, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    names = confusion.classes
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": shares.tolist(),
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "<heat-0>"], [0.02, "<heat-1>"], [0.2, "<heat-2>"], [1, "<heat-3>"]],
        "showscale": False,
        "xgap": 1 if len(names) <= NAMED else 0,
        "ygap": 1 if len(names) <= NAMED else 0,
        "customdata": [
            [f"{label(true)} → {label(seen)}: {number(counts[row, column])}" for column, seen in enumerate(names)]
            for row, true in enumerate(names)
        ],
        "hovertemplate": "%{customdata}<br>%{z:.1%} of the true class<extra></extra>",
    }
    if len(names) <= WRITTEN:
        trace["text"] = [[number(count) if count else "" for count in row] for row in counts.tolist()]
        trace["texttemplate"] = "%{text}"
        trace["textfont"] = {"size": 12}
    across = NAMED if len(names) <= NAMED else NAMED // 2
    plain = {"showgrid": False, "ticks": ""}
    return Figure(
        [trace],
        layout(
            min(620, max(280, 110 + 34 * len(names))),
            xaxis=axis("predicted", **plain, **named_ticks(names, across), tickangle=0 if _short(names) else -45),
            yaxis=axis("true", **plain, **named_ticks(names, NAMED), autorange="reversed"),
        ),
        f"Confusion matrix of {len(names)} classes on the test rows.",
        "True classes (rows) and what was predicted (columns)",
        "Counts on the test rows, a mean over seeds. All weight on the diagonal is best: "
        "a dark cell off it is a confusion that the model makes often.",
    )


def _short(names: tuple[str, ...]) -> bool:
    return max(map(len, names), default=0) <= 3 and len(names) <= NAMED


def confusions(confusion: Confusion, most: int = 8) -> list[tuple[str, str, float, float]]:
    """The most frequent mistakes: true class, predicted class, rows, share of the true class."""
    counts = np.asarray(confusion.counts, dtype=np.float64)
    totals = counts.sum(axis=1)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0.0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order, wrong.shape)
    return [
        (confusion.classes[row], confusion.classes[column], wrong[row, column], wrong[row, column] / totals[row])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if wrong[row, column] > 0
    ]


def residual_figures(residuals: Residuals, target: str) -> list[Figure]:
    """Predicted against true values, and how the errors are spread."""
    true, predicted = np.asarray(residuals.true), np.asarray(residuals.predicted)
    sound = np.isfinite(true) & np.isfinite(predicted)
    if not sound.any():
        return []
    return [_predicted(true[sound], predicted[sound], target), _errors(predicted[sound] - true[sound])]


def _predicted(true: Any, predicted: Any, target: str) -> Figure:
    ends = [float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))]
    perfect = {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": ends,
        "line": {"color": FAINT, "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
    }
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": true.tolist(),
        "y": predicted.tolist(),
        "marker": {"color": CHOSEN, "size": 5, "opacity": 0.45, "line": {"width": 0}},
        "hovertemplate": "true %{x:.4~g}<br>predicted %{y:.4~g}<extra></extra>",
    }
    axes = {"xaxis": axis(f"true {label(target)}", nticks=6), "yaxis": axis("predicted", nticks=6)}
    return Figure(
        [perfect, dots],
        layout(330, **axes),
        f"Predicted against true values of {target} on {true.size} test rows.",
        "Predicted against true",
        "On the dotted line the prediction is perfect. A cloud that bends away from it, or opens like a fan, is an "
        "error that the model makes systematically.",
    )


def _errors(errors: Any) -> Figure:
    counts, edges = np.histogram(errors, bins=BINS)
    bars = {
        "type": "bar",
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "marker": {"color": CHOSEN, "opacity": 0.8},
        "hovertemplate": "error %{x:.3~g}: %{y} rows<extra></extra>",
    }
    axes = {"xaxis": axis("predicted minus true", nticks=6), "yaxis": axis("rows", nticks=5)}
    line = {
        "type": "line",
        "x0": 0,
        "x1": 0,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": FAINT, "dash": "dot"},
    }
    return Figure(
        [bars],
        layout(330, **axes, shapes=[line]),
        f"Histogram of {errors.size} errors.",
        "Errors",
        f"A narrow hill around zero is best. Mean {number(float(errors.mean()))}, "
        f"half of the rows within {number(float(np.median(np.abs(errors))))}.",
    )
