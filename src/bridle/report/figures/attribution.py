"""A bar for each regularizer: what it is worth, with its interval."""

import math
from typing import Any

from bridle.records import Attribution, Estimate, Worth
from bridle.report.figures.figure import CHOSEN, FAINT, NEAR, OTHER, Figure, axis, finite, label, layout
from bridle.report.further import signed, worths
from bridle.report.wording import metric_name, regularizer_name

ROW = 46
CAPTION = (
    "Right of zero the regularizer makes the metric better, left of it worse. Bars: what leaving it out costs, beside "
    "the others that were left when it was judged, with the 95 % interval that judged. Diamonds: its share of what all "
    "buy together (Shapley value). Rings: what it buys alone."
)


def attribution_figure(attribution: Attribution, metric: str) -> Figure:
    """Bars of what each regularizer is worth, the needed ones coloured."""
    items = attribution.worths
    data = [_bars(items), _marks(items, [item.add_one_in for item in items], "alone", "circle-open")]
    shares = [item.shapley for item in items if item.shapley is not None]
    if len(shares) == len(items):
        data.append(_marks(items, shares, "Shapley value", "diamond"))
    names = [label(regularizer_name(item.name)) for item in items]
    ticks: dict[str, Any] = {"tickmode": "array", "tickvals": list(range(len(items))), "ticktext": names}
    name = metric_name(metric)
    keys = tuple(key for key in (("needed", CHOSEN), ("not needed", OTHER)) if any(_colour(i) == key[1] for i in items))
    return Figure(
        data,
        layout(
            70 + ROW * len(items),
            xaxis=axis(f"{name} bought", nticks=6, zeroline=True, zerolinecolor=FAINT, zerolinewidth=2),
            yaxis=axis(range=[len(items) - 0.5, -0.5], showgrid=False, ticks="", **ticks),
        ),
        f"What each regularizer is worth in {name}: {worths(attribution)}.",
        caption=CAPTION,
        keys=keys,
    )


def _colour(item: Worth) -> str:
    return CHOSEN if item.needed else OTHER


def _bars(items: tuple[Worth, ...]) -> dict[str, Any]:
    ends = [(item.worth.low, item.worth.value, item.worth.high) for item in items]
    return {
        "type": "bar",
        "orientation": "h",
        "x": finite(item.worth.value for item in items),
        "y": list(range(len(items))),
        "width": 0.5,
        "marker": {"color": [_colour(item) for item in items]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [0.0 if high is None else high - value for _, value, high in ends],
            "arrayminus": [0.0 if low is None else value - low for low, value, _ in ends],
            "color": FAINT,
            "thickness": 2,
            "width": 5,
        },
        "text": [f"{label(regularizer_name(item.name))}: {signed(item.worth)}" for item in items],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }


def _marks(items: tuple[Worth, ...], estimates: list[Estimate], name: str, symbol: str) -> dict[str, Any]:
    shown = [(row, item) for row, item in enumerate(estimates) if math.isfinite(item.value)]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [item.value for _, item in shown],
        "y": [row + 0.36 for row, _ in shown],
        "marker": {"color": NEAR, "size": 9, "symbol": symbol},
        "text": [f"{label(regularizer_name(items[row].name))}, {name}: {signed(item)}" for row, item in shown],
        "hovertemplate": "%{text}<extra></extra>",
    }
