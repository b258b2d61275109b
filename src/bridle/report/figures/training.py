"""Curves over epochs: the metric with the gap shaded, and each part of the training loss in its own panel."""

from typing import Any

import numpy as np

from bridle.records import Outcome
from bridle.report.curves import MeanCurve, mean_curve, validation_curve
from bridle.report.figures.figure import (
    CLEAN,
    FAINT,
    GAP,
    OTHER,
    VALIDATION,
    WATCH,
    Figure,
    axis,
    layout,
)
from bridle.report.wording import number

METRICS = {
    "clean": ("training rows", CLEAN),
    "score": ("validation rows", VALIDATION),
    "watch": ("rows that patience watches", WATCH),
}
PARTS = {
    "data_loss": ("Data loss in training", "training data loss, noise and augmentation on, no penalty or term"),
    "terms": ("Loss terms", "mean value of the loss terms"),
    "penalty": ("Penalty", "value of the penalties"),
    "learning_rate": ("Learning rate", "learning rate"),
}


def metric_figure(
    outcomes: tuple[Outcome, ...],
    metric: str,
    title: str,
    limits: tuple[float, float] | None,
    epoch: int | None,
) -> Figure | None:
    """Clean training and validation metric over epochs with the gap between them shaded; ``None`` without curves."""
    lines = [
        (curve, name, colour)
        for series, (name, colour) in METRICS.items()
        if (curve := mean_curve(outcomes, series)) is not None
    ]
    if not lines:
        return None
    more: dict[str, Any] = {"xaxis": axis("epoch", showgrid=False), "yaxis": axis(nticks=6)}
    if limits is not None:
        more["yaxis"]["range"] = list(limits)
    more |= {"hovermode": "x unified"} | _mark(epoch)
    return Figure(
        _shaded(mean_curve(outcomes, "clean"), validation_curve(outcomes))
        + [_line(curve, name, colour) for curve, name, colour in lines],
        layout(290, **more),
        f"{metric} over epochs, {title}.",
        title,
        keys=tuple((name, colour) for _, name, colour in lines),
    )


def part_figures(outcomes: tuple[Outcome, ...], epoch: int | None) -> list[Figure]:
    """Data loss, loss terms, penalty and learning rate over epochs, each where it was recorded."""
    figures = []
    for series, (title, says) in PARTS.items():
        curve = mean_curve(outcomes, series)
        if curve is None or all(value == 0 for value in curve.values):
            continue
        more = {"xaxis": axis("epoch", showgrid=False), "yaxis": axis(nticks=5, rangemode="tozero")} | _mark(epoch)
        figures.append(Figure([_line(curve, title, OTHER)], layout(190, **more), f"{says} over epochs.", title))
    return figures


def shared_limits(groups: list[tuple[Outcome, ...]]) -> tuple[float, float] | None:
    """One range of the metric for several figures, set by the last three quarters of the epochs.

    The first epochs are far worse than all that follows: they would press the gap to a line.
    """
    values: list[float] = []
    for outcomes in groups:
        for curve in (mean_curve(outcomes, "clean"), validation_curve(outcomes)):
            if curve is not None:
                values += curve.values[len(curve.values) // 4 :]
    if not values:
        return None
    low, high = float(np.min(values)), float(np.max(values))
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def _line(curve: MeanCurve, name: str, colour: str) -> dict[str, Any]:
    single = len(curve.epochs) == 1
    return {
        "type": "scatter",
        "mode": "markers" if single else "lines",
        "x": list(curve.epochs),
        "y": list(curve.values),
        "name": name,
        "line": {"color": colour, "width": 2.25},
        "marker": {"color": colour},
        "customdata": [number(value) for value in curve.values],
        "hovertemplate": "%{customdata}",
    }


def _shaded(clean: MeanCurve | None, validation: MeanCurve | None) -> list[dict[str, Any]]:
    """One closed outline: along the clean curve and back along the validation curve."""
    if clean is None or validation is None:
        return []
    outline = {
        "type": "scatter",
        "mode": "lines",
        "x": [*clean.epochs, *reversed(validation.epochs)],
        "y": [*clean.values, *reversed(validation.values)],
        "fill": "toself",
        "fillcolor": GAP,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    return [outline]


def _mark(epoch: int | None) -> dict[str, Any]:
    if epoch is None:
        return {}
    line = {"type": "line", "x0": epoch, "x1": epoch, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
            "line": {"color": FAINT, "width": 1, "dash": "dot"}}  # fmt: skip
    return {"shapes": [line]}
