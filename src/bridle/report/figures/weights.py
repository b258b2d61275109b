"""The weights of each parameter before and after training."""

from typing import Any

from bridle.records import Histogram
from bridle.report.figures.figure import CHOSEN, OTHER, Figure, axis, layout
from bridle.report.wording import number

SPIKE = 4.0


def weight_figures(histograms: tuple[Histogram, ...]) -> list[Figure]:
    """One small figure per parameter."""
    return [_figure(histogram) for histogram in histograms]


def _figure(histogram: Histogram) -> Figure:
    top = _top(histogram)
    return Figure(
        [
            _steps(histogram, histogram.before, "before", OTHER, fill=False),
            _steps(histogram, histogram.after, "after", CHOSEN, fill=True),
        ],
        layout(
            170,
            xaxis=axis(showgrid=False, nticks=5),
            yaxis=axis(range=[0, top], nticks=4, tickformat="~s"),
        ),
        f"Weights of {histogram.name} before and after training.",
        histogram.name,
        f"{zeros(histogram.zeros)} exact zeros{_cut(histogram, top)}",
    )


def zeros(share: float) -> str:
    """A share of exact zeros: "no", "0.4 %", "83 %"."""
    return "no" if share == 0 else f"{number(100 * share, 2)} %"


def _top(histogram: Histogram) -> float:
    """The height of the axis: a spike, such as L1's at zero, is cut where it would flatten everything else."""
    heights = sorted((*histogram.before, *histogram.after), reverse=True)
    rest = max(1, *histogram.before, *sorted(histogram.after, reverse=True)[1:2])
    return 1.08 * (min(heights[0], 1.3 * rest) if heights[0] > SPIKE * rest else max(1, heights[0]))


def _cut(histogram: Histogram, top: float) -> str:
    highest = max(histogram.after, default=0)
    return f"; the highest bar, {highest:,}, is cut" if highest > top else ""


def _steps(histogram: Histogram, counts: tuple[int, ...], name: str, colour: str, fill: bool) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "x": list(histogram.edges),
        "y": [*counts, counts[-1] if counts else 0],
        "name": name,
        "line": {"color": colour, "width": 1.75, "shape": "hv"},
        "hovertemplate": f"{name}: %{{y:,}} near %{{x:.3~g}}<extra></extra>",
    }
    return trace | ({"fill": "tozeroy", "fillcolor": "<chosen-soft>"} if fill else {})
