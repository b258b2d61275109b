"""Which features survive."""

from typing import Any

from bridle.records import Evidence
from bridle.report.figures.survival import survival_figure
from bridle.report.further import survival


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The frequencies, and how many stable features may be false."""
    found = evidence.stability
    return None if found is None else {"lead": survival(found), "figure": survival_figure(found)}
