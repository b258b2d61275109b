"""What more data would buy."""

from typing import Any

from bridle.records import Evidence
from bridle.report.figures.learning_curve import learning_curve_figure
from bridle.report.further import more_data
from bridle.report.wording import sentence


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The curve and what it promises."""
    curve = evidence.learning_curve
    if curve is None:
        return None
    return {
        "lead": sentence(more_data(curve, evidence.metric)),
        "figure": learning_curve_figure(curve, evidence.metric),
    }
