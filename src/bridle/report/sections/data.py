"""What the data was."""

from typing import Any

from bridle.records import DataSummary, Evidence
from bridle.report.wording import count, value

LISTED = 30


def content(evidence: Evidence) -> dict[str, Any]:
    """The facts, the rows per class and what was noticed while reading."""
    data = evidence.data
    return {
        "facts": _facts(data),
        "counts": _counts(data),
        "folded": len(data.counts) > LISTED,
        "summary": _summary(data),
        "notes": data.notes,
    }


def _facts(data: DataSummary) -> list[tuple[str, str]]:
    facts = [("Data", data.name), ("Kind", data.kind), ("Shape of a row", " × ".join(map(str, data.shape)))]
    facts += [("Target", data.target)]
    facts += [(f"Rows, {name}", f"{rows:,}") for name, rows in data.rows.items()]
    if data.classes:
        facts.append(("Classes", value(len(data.classes))))
    return [*facts, ("Fingerprint", data.fingerprint)]


def _counts(data: DataSummary) -> list[tuple[str, int, float]]:
    most = max(data.counts.values(), default=0)
    return [(name, rows, 100 * rows / max(most, 1)) for name, rows in data.counts.items()]


def _summary(data: DataSummary) -> str:
    if not data.counts:
        return ""
    fewest, most = min(data.counts.values()), max(data.counts.values())
    return f"{count(len(data.counts), 'class').replace('classs', 'classes')}, {fewest:,} to {most:,} rows each"
