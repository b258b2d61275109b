"""How often each feature survives in the halves."""

from typing import Any

from bridle.records import Stability
from bridle.report.figures.figure import CHOSEN, FAINT, OTHER, Figure, axis, label, layout
from bridle.report.wording import count, number

MOST = 40


def survival_figure(stability: Stability) -> Figure:
    """A bar per feature, the most frequent first, and the threshold; stable ones coloured."""
    found = sorted(zip(stability.features, stability.frequencies, strict=True), key=lambda item: -item[1])[:MOST]
    shares = [frequency for _, frequency in found]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": shares,
        "y": list(range(len(found))),
        "marker": {"color": [CHOSEN if name in stability.stable else OTHER for name, _ in found]},
        "text": [f"{label(name)}: {number(100 * share)} %" for name, share in found],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
    ticks: dict[str, Any] = {
        "tickmode": "array",
        "tickvals": list(range(len(found))),
        "ticktext": [label(name) for name, _ in found],
    }
    at, style = stability.threshold, {"color": FAINT, "width": 1.5, "dash": "dot"}
    threshold = {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": style}
    more = f" The {MOST} most frequent of {len(stability.features)}." if len(stability.features) > MOST else ""
    return Figure(
        [bars],
        layout(
            70 + 22 * len(found),
            xaxis=axis("survives in this share of the halves", range=[0, 1.02], tickformat=".0%"),
            yaxis=axis(autorange="reversed", showgrid=False, **ticks),
            shapes=[threshold],
        ),
        f"How often each of {count(len(stability.features), 'feature')} survives.",
        caption=f"Networks trained on {count(stability.pairs, 'pair')} of complementary halves of the training rows. "
        f"Stable are the features beyond the dotted line.{more}",
        keys=(("stable", CHOSEN), ("not stable", OTHER)),
    )
