"""Parallel coordinates: every recipe of the search as a line through all its dials, coloured by its score.

The axes lie one below another, so that their names are readable on a phone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridle.records import Candidate, Evidence
from bridle.report.figures.dials import are_numbers, span_decades
from bridle.report.figures.figure import CHOSEN, FAINT, Figure, axis, label, layout
from bridle.report.reading import ranked, succeeded
from bridle.report.wording import metric_name, number, value

QUARTERS = (
    ("best quarter", "<rank-1>"),
    ("second", "<rank-2>"),
    ("third", "<rank-3>"),
    ("worst quarter", "<rank-4>"),
)
OUT = -0.07
"""Where a line stands beside the axis of a dial that its recipe does without."""
FAN = 0.1
"""How wide the lines that meet in one of few values are fanned out, the best first."""
ROW = 60
CAPTION = (
    "Each line is a recipe, from one dial to the next; left of an axis it does without the dial. Where lines of the "
    "best quarter meet, the dial matters and that is its place; where they are spread over the whole axis, it hardly "
    "does."
)


@dataclass(frozen=True)
class Axis:
    """One dial: its name, what its ends mean, and where each value stands between 0 and 1."""

    name: str
    ends: str
    places: tuple[float, ...]


def parallel_figure(evidence: Evidence) -> Figure | None:
    """All recipes through all dials; ``None`` for fewer than two dials or three recipes."""
    shown = succeeded(ranked(evidence, evidence.candidates))
    addresses = _addresses(shown)
    if len(addresses) < 2 or len(shown) < 3:
        return None
    axes = [_axis(address, [item.dials.get(address) for item in shown]) for address in addresses]
    number_chosen = evidence.choice.number if evidence.choice is not None else None
    order = sorted(range(len(shown)), key=lambda rank: (shown[rank].number == number_chosen, -rank))
    data = [_line(shown[rank], rank, len(shown), axes, shown[rank].number == number_chosen) for rank in order]
    says = f"{len(shown)} recipes through {len(axes)} dials, coloured by {metric_name(evidence.metric)}."
    keys = (*QUARTERS, ("chosen", CHOSEN)) if number_chosen is not None else QUARTERS
    return Figure(data, _layout(axes), says, f"By {metric_name(evidence.metric)}", CAPTION, keys)


def _addresses(candidates: Sequence[Candidate]) -> list[str]:
    """The dials that differ; whether a regularizer is on is seen from its other dials, where it has any."""
    found = dict.fromkeys(address for item in candidates for address in item.dials)
    owners = [address.rpartition(".")[0] for address in found if not address.endswith(".active")]
    return [
        address
        for address in found
        if not (address.endswith(".active") and address.removesuffix(".active") in owners)
        and len({repr(item.dials.get(address)) for item in candidates}) > 1
    ]


def _axis(address: str, values: Sequence[Any]) -> Axis:
    known = [item for item in values if item is not None]
    if are_numbers(known):
        numbers = [float(item) for item in known]
        scale = math.log if span_decades(numbers) else float
        low, high = scale(min(numbers)), scale(max(numbers))
        width = high - low or 1.0
        places = tuple(OUT if item is None else (scale(item) - low) / width for item in values)
        return Axis(address, f"{number(min(numbers))} … {number(max(numbers))}", _fanned(places))
    names = sorted({value(item) for item in known})
    last = max(len(names) - 1, 1)
    places = tuple(OUT if item is None else names.index(value(item)) / last for item in values)
    return Axis(address, label(" … ".join(names)), _fanned(places))


def _fanned(places: tuple[float, ...]) -> tuple[float, ...]:
    """The places of the ranked recipes, apart from each other where few values would bundle them."""
    many = len(places)
    if len(set(places)) > many / 2:
        return places
    return tuple(
        place if place == OUT else place * (1 - FAN) + FAN * rank / (many - 1) for rank, place in enumerate(places)
    )


def _line(item: Candidate, rank: int, many: int, axes: Sequence[Axis], is_chosen: bool) -> dict[str, Any]:
    quarter = 4 * rank // many
    colour = CHOSEN if is_chosen else QUARTERS[quarter][1]
    return {
        "type": "scatter",
        "mode": "lines+markers" if is_chosen else "lines",
        "x": [one.places[rank] for one in axes],
        "y": list(range(len(axes))),
        "line": {"color": colour, "width": 3.5 if is_chosen else 1.5},
        "opacity": 0.9 if is_chosen or quarter == 0 else 0.5,
        "marker": {"color": colour, "symbol": "diamond", "size": 11, "line": {"width": 0}},
        "hovertemplate": f"{label(item.name)}: {number(item.score)}<extra></extra>",
    }


def _layout(axes: Sequence[Axis]) -> dict[str, Any]:
    texts, lines, line = [], [], {"color": FAINT, "width": 1}
    for row, one in enumerate(axes):
        shared = {"y": row, "yref": "y", "showarrow": False, "yshift": 15, "bgcolor": "<paper>", "borderpad": 2}
        texts.append(shared | {"x": 0, "xref": "paper", "xanchor": "left", "text": label(one.name, 28)})
        texts.append(shared | {"x": 1, "xref": "paper", "xanchor": "right", "text": one.ends})
        lines.append({"type": "line", "x0": 0, "x1": 1, "y0": row, "y1": row, "line": line, "layer": "below"})
    hidden: dict[str, Any] = {"showgrid": False, "showticklabels": False, "ticks": ""}
    return layout(
        30 + ROW * len(axes),
        xaxis=axis(range=[OUT - 0.03, 1.03], **hidden),
        yaxis=axis(range=[len(axes) - 0.7, -0.6], **hidden),
        annotations=texts,
        shapes=lines,
    )
