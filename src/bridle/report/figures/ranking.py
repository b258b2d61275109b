"""The candidates and baselines from best to worst, with their standard errors and the one-standard-error mark."""

from typing import Any

from bridle.records import Candidate, Evidence
from bridle.report.figures.figure import BASELINE, CHOSEN, NEAR, OTHER, Figure, axis, finite, label, layout
from bridle.report.figures.scores import clipped, limits, standard_error_mark, symbol
from bridle.report.reading import ranked, succeeded
from bridle.report.wording import direction, metric_name, sentence, spread

GROUPS = {"other": OTHER, "close to the best": NEAR, "baseline": BASELINE, "chosen": CHOSEN}
CAPTION = (
    "Mean over folds with its standard error. The dotted line lies one standard error from the best; of the recipes "
    "that cannot be told from the best, the simplest is taken. These scores made the choice, so the best of them is "
    "optimistic. Triangles lie beyond the axis."
)


def ranking_figure(evidence: Evidence) -> Figure | None:
    """Every candidate and baseline from best to worst; ``None`` without a search."""
    shown = succeeded(ranked(evidence, evidence.candidates + evidence.baselines))
    if not evidence.candidates or not shown:
        return None
    reach = limits([candidate.score for candidate in shown], evidence.higher_is_better)
    groups: dict[str, list[tuple[int, Candidate]]] = {name: [] for name in GROUPS}
    for rank, candidate in enumerate(shown, start=1):
        groups[_group(evidence, candidate)].append((rank, candidate))
    data = [_dots(name, members, reach) for name, members in groups.items() if members]
    metric = metric_name(evidence.metric)
    figure_layout = layout(
        330,
        xaxis=axis("candidates, best first", showgrid=False, nticks=10, range=[0, len(shown) + 1]),
        yaxis=axis(range=list(reach), nticks=6),
        shapes=standard_error_mark(evidence),
    )
    says = f"Mean {metric} over folds of {len(shown)} candidates and baselines, best first, with standard errors."
    title = sentence(f"{metric} ({direction(evidence.higher_is_better)})")
    keys = tuple((name, colour) for name, colour in GROUPS.items() if groups[name])
    return Figure(data, figure_layout, says, title, CAPTION, keys)


def _group(evidence: Evidence, candidate: Candidate) -> str:
    if any(candidate is baseline for baseline in evidence.baselines):
        return "baseline"
    if evidence.choice is None:
        return "other"
    if candidate.number == evidence.choice.number:
        return "chosen"
    return "close to the best" if candidate.number in evidence.choice.within else "other"


def _dots(name: str, members: list[tuple[int, Candidate]], reach: tuple[float, float]) -> dict[str, Any]:
    colour, chosen = GROUPS[name], name == "chosen"
    candidates = [candidate for _, candidate in members]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [rank for rank, _ in members],
        "y": [clipped(candidate.score, reach) for candidate in candidates],
        "error_y": {
            "type": "data",
            "array": finite(candidate.error for candidate in candidates),
            "color": colour,
            "thickness": 1.5,
            "width": 0,
        },
        "marker": {
            "color": colour,
            "line": {"width": 0},
            "size": 13 if chosen else 8,
            "symbol": [symbol(candidate.score, reach, chosen) for candidate in candidates],
        },
        "text": [f"{label(candidate.name)}: {spread(candidate.score, candidate.error)}" for candidate in candidates],
        "hovertemplate": "%{text}<extra></extra>",
    }
