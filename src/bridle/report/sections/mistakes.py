"""Where the model is wrong on the test rows."""

from typing import Any

from bridle.records import Evidence
from bridle.report.figures.mistakes import confusion_figure, confusions, residual_figures
from bridle.report.wording import number


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The confusion matrix with its most frequent mistakes, or the residuals."""
    if evidence.confusion is not None and evidence.confusion.classes:
        return {"confusion": confusion_figure(evidence.confusion), "worst": _worst(evidence), "residuals": []}
    if evidence.residuals is not None:
        figures = residual_figures(evidence.residuals, evidence.data.target)
        return {"confusion": None, "worst": [], "residuals": figures} if figures else None
    return None


def _worst(evidence: Evidence) -> list[tuple[str, str, str, str]]:
    found = confusions(evidence.confusion) if evidence.confusion is not None else []
    return [(true, seen, number(rows), f"{number(100 * share, 2)} %") for true, seen, rows, share in found]
