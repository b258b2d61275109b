"""The head of the page: the verdict, and the few numbers that carry it."""

import math
from dataclasses import dataclass
from typing import Any

from bridle.records import Evidence
from bridle.report.reading import against, baseline, chosen_candidate, chosen_test
from bridle.report.verdict import verdict
from bridle.report.wording import count, direction, interval, metric_name, number, times


@dataclass(frozen=True)
class Key:
    """One of the numbers under the verdict."""

    name: str
    value: str
    note: str


def content(evidence: Evidence) -> dict[str, Any]:
    """What the head shows."""
    keys = (_score(evidence), _advantage(evidence), _gap(evidence), _openings(evidence))
    return {
        "name": evidence.data.name,
        "subject": _subject(evidence),
        "verdict": verdict(evidence),
        "keys": [key for key in keys if key is not None],
    }


def _subject(evidence: Evidence) -> str:
    parts = [f"{evidence.task.value.capitalize()} of “{evidence.data.target}”"]
    names = {"train": "training row", "test": "sealed test row"}
    parts += [count(rows, names.get(name, f"{name} row")) for name, rows in evidence.data.rows.items()]
    return " · ".join(parts)


def _score(evidence: Evidence) -> Key | None:
    tested = chosen_test(evidence)
    estimate = tested.metrics.get(evidence.metric) if tested is not None else None
    if estimate is None:
        return None
    value, _, span = interval(estimate).partition(" ")
    way = direction(evidence.higher_is_better)
    return Key(f"{metric_name(evidence.metric)} on test rows", value, f"{span} · {way}" if span else way)


def _advantage(evidence: Evidence) -> Key | None:
    comparison = against(evidence)
    if comparison is None:
        return None
    value, _, span = interval(comparison.difference).partition(" ")
    signed = f"+{value}" if comparison.difference.value > 0 else value
    return Key("better than no regularization by", signed, span)


def _gap(evidence: Evidence) -> Key | None:
    chosen, unregularized = chosen_candidate(evidence), baseline(evidence)
    if chosen is None or not math.isfinite(chosen.gap):
        return None
    before = unregularized.gap if unregularized is not None else math.nan
    note = (
        f"{number(before, 2)} without regularization" if math.isfinite(before) else "validation against clean training"
    )
    return Key("gap", number(chosen.gap, 2), note)


def _openings(evidence: Evidence) -> Key | None:
    if not evidence.tested:
        return None
    note = "at the very end" if evidence.openings == 1 else "see “How sure is this?”"
    return Key("sealed test set opened", times(evidence.openings), note)
