"""What each candidate of the search scored."""

from dataclasses import dataclass
from typing import Any

from bridle.records import Candidate, Evidence
from bridle.report.figures.dials import dial_figures
from bridle.report.figures.parallel import parallel_figure
from bridle.report.figures.ranking import ranking_figure
from bridle.report.reading import ranked
from bridle.report.wording import count, direction, metric_name, number, regularizer_name, spread, tested_name, value

SHOWN = 15


@dataclass(frozen=True)
class Row:
    """One candidate in the table."""

    mark: str
    name: str
    score: str
    gap: str
    epoch: int
    active: str
    dials: tuple[str, ...]
    failure: str | None


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The figures and the table, best candidates first."""
    if not evidence.candidates:
        return None
    candidates = ranked(evidence, evidence.candidates + evidence.baselines)
    addresses = tuple(dict.fromkeys(address for candidate in candidates for address in candidate.dials))
    rows = [_row(evidence, candidate, addresses) for candidate in candidates]
    return {
        "count": count(len(evidence.candidates), "candidate"),
        "metric": metric_name(evidence.metric),
        "direction": direction(evidence.higher_is_better),
        "ranking": ranking_figure(evidence),
        "dials": dial_figures(evidence),
        "parallel": parallel_figure(evidence),
        "addresses": addresses,
        "rows": rows[:SHOWN],
        "more": rows[SHOWN:],
    }


def _row(evidence: Evidence, candidate: Candidate, addresses: tuple[str, ...]) -> Row:
    return Row(
        mark=_mark(evidence, candidate),
        name=tested_name(candidate.name, evidence.task),
        score=spread(candidate.score, candidate.error),
        gap=number(candidate.gap, 2),
        epoch=candidate.epoch,
        active=", ".join(regularizer_name(name) for name in candidate.active) or "none",
        dials=tuple(value(candidate.dials.get(address)) for address in addresses),
        failure=candidate.failure,
    )


def _mark(evidence: Evidence, candidate: Candidate) -> str:
    if any(candidate is baseline for baseline in evidence.baselines):
        return "baseline"
    if candidate.until:
        return f"dropped at epoch {candidate.until}"
    if evidence.choice is None:
        return ""
    marks = (("chosen", evidence.choice.number), ("best", evidence.choice.best))
    return next((mark for mark, number in marks if candidate.number == number), "")
