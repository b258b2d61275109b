"""What training did to the weights."""

from typing import Any

from bridle.records import Evidence
from bridle.report.figures.weights import weight_figures

SHOWN = 12


def content(evidence: Evidence) -> dict[str, Any] | None:
    """A histogram per parameter; beyond the first ones they are folded away."""
    figures = weight_figures(evidence.histograms)
    return {"figures": figures[:SHOWN], "more": figures[SHOWN:]} if figures else None
