"""The score against each dial that the search turned, with standard errors and the one-standard-error mark."""

import math
from collections.abc import Sequence
from typing import Any

from bridle.records import Candidate, Evidence
from bridle.report.figures.figure import CHOSEN, FAINT, OTHER, Figure, axis, finite, label, layout, named_ticks
from bridle.report.figures.scores import clipped, limits, standard_error_mark, symbol
from bridle.report.reading import succeeded
from bridle.report.wording import metric_name, number, value

DECADES = 1.7


def dial_figures(evidence: Evidence) -> list[Figure]:
    """One small figure per dial, all with the same axis of scores."""
    shown = succeeded(evidence.candidates)
    if not shown:
        return []
    reach = limits([candidate.score for candidate in shown], evidence.higher_is_better)
    addresses = dict.fromkeys(
        address for candidate in shown for address, dial in candidate.dials.items() if dial is not None
    )
    return [_figure(evidence, shown, address, reach) for address in addresses]


def _figure(evidence: Evidence, candidates: tuple[Candidate, ...], address: str, reach: tuple[float, float]) -> Figure:
    number_chosen = evidence.choice.number if evidence.choice is not None else None
    having = [candidate for candidate in candidates if candidate.dials.get(address) is not None]
    having.sort(key=lambda candidate: candidate.number == number_chosen)
    chosen = [candidate.number == number_chosen for candidate in having]
    places, ticks = _places([candidate.dials[address] for candidate in having])
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": places,
        "y": [clipped(candidate.score, reach) for candidate in having],
        "error_y": {
            "type": "data",
            "array": finite(candidate.error for candidate in having),
            "color": FAINT,
            "thickness": 1,
            "width": 0,
        },
        "marker": {
            "line": {"width": 0},
            "color": [CHOSEN if is_chosen else OTHER for is_chosen in chosen],
            "size": [13 if is_chosen else 7 for is_chosen in chosen],
            "symbol": [
                symbol(candidate.score, reach, is_chosen) for candidate, is_chosen in zip(having, chosen, strict=True)
            ],
        },
        "text": [f"{label(candidate.name)}: {label(value(candidate.dials[address]))}" for candidate in having],
        "customdata": [number(candidate.score) for candidate in having],
        "hovertemplate": "%{text}<br>%{customdata}<extra></extra>",
    }
    axes = {"xaxis": axis(showgrid=False, **ticks), "yaxis": axis(range=list(reach), nticks=5)}
    says = f"{metric_name(evidence.metric)} against {address}."
    return Figure([trace], layout(196, **axes, shapes=standard_error_mark(evidence)), says, address)


def _places(values: list[Any]) -> tuple[list[float], dict[str, Any]]:
    """Where values stand: numbers at their value, on a logarithmic axis over decades; other values side by side."""
    if are_numbers(values):
        numbers = [float(item) for item in values]
        return numbers, {"type": "log", **_decades(numbers)} if span_decades(numbers) else {"nticks": 4}
    names = sorted({value(item) for item in values})
    ticks = named_ticks(names) | {"range": [-0.6, len(names) - 0.4]}
    return [float(names.index(value(item))) for item in values], ticks


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all values of a dial are numbers."""
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in values)


def span_decades(numbers: Sequence[float]) -> bool:
    """Whether a logarithmic axis shows them better."""
    return min(numbers) > 0 and math.log10(max(numbers) / min(numbers)) >= DECADES


def _decades(numbers: list[float]) -> dict[str, Any]:
    powers = range(math.floor(math.log10(min(numbers))), math.ceil(math.log10(max(numbers))) + 1)
    return {
        "tickmode": "array",
        "tickvals": [10.0**power for power in powers],
        "ticktext": [number(10.0**power) for power in powers],
    }
