"""How sure the numbers are: the intervals, the sealed test set, the folds that chose."""

import math
from dataclasses import dataclass
from typing import Any

from bridle.records import Candidate, Estimate, Evidence
from bridle.report.certainty import fold_comparisons_text, nested_text, optimism_text
from bridle.report.reading import chosen_candidate, chosen_test, main_outcomes, repeats, succeeded
from bridle.report.recipe import regularizers
from bridle.report.wording import count, interval, metric_name, number, sentence, spread, times


@dataclass(frozen=True)
class Outer:
    """One outer fold of nested cross-validation."""

    name: str
    score: str
    inner: str
    chosen: str


def content(evidence: Evidence) -> dict[str, Any] | None:
    """Statements as pairs of what and how, and the outer folds of nested cross-validation."""
    if not evidence.tested and not evidence.candidates:
        return None
    pairs = (
        ("Sealed test rows", _sealed(evidence)),
        ("Intervals", _intervals(evidence)),
        ("The choice", _choice(evidence)),
        ("Fold scores", _fold_scores(evidence)),
        ("Optimism", optimism_text(evidence)),
        ("On the folds", fold_comparisons_text(evidence)),
        ("Nested", sentence(nested_text(evidence))),
    )
    return {"statements": [(term, text) for term, text in pairs if text], "outer": _outer(evidence)}


def _outer(evidence: Evidence) -> list[Outer]:
    """The outer folds of nested cross-validation, one row each."""
    folds = () if evidence.nested is None else evidence.nested.folds
    return [
        Outer(
            f"outer fold {fold.fold + 1}", number(fold.score), number(fold.inner), ", ".join(regularizers(fold.recipe))
        )
        for fold in folds
    ]


def _sealed(evidence: Evidence) -> str:
    rows = evidence.data.rows.get("test")
    which = "The test rows" if rows is None else f"The {count(rows, 'test row')}"
    if evidence.openings == 0:
        return f"{which} are still sealed: nothing in this report was measured on them."
    said = f"{which} were split off first and opened {times(evidence.openings)}."
    if evidence.openings == 1:
        return f"{said} No training, search or choice has seen them."
    return f"{said} Whoever looked at an earlier result and then changed something has made the later ones optimistic."


def _intervals(evidence: Evidence) -> str:
    main = _main(evidence)
    if main is None or main.low is None:
        return ""
    over = f" and {count(len(main.values), 'refit seed')}" if main.values else ""
    said = f"95 % bootstrap intervals over test rows{over}."
    paired = " Differences are paired: every recipe meets the same rows and seeds." if evidence.comparisons else ""
    return f"{said}{paired}"


def _main(evidence: Evidence) -> Estimate | None:
    tested = chosen_test(evidence)
    return tested.metrics.get(evidence.metric) if tested is not None else None


def _choice(evidence: Evidence) -> str:
    if evidence.choice is None:
        return "Nothing was free in the recipe: one training, no search, so no choice could make a score optimistic."
    outcomes = main_outcomes(evidence)
    failed = len(evidence.candidates) - len(succeeded(evidence.candidates))
    tried = f"{count(len(evidence.candidates), 'candidate')} on {repeats(outcomes)}"
    return f"{tried}{f'; {failed} failed' if failed else ''}. {_closed(evidence.choice.reason)}"


def _fold_scores(evidence: Evidence) -> str:
    chosen, main = chosen_candidate(evidence), _main(evidence)
    if chosen is None or not math.isfinite(chosen.score):
        return ""
    return f"Optimistic, because they made the choice: {_fold_score(evidence, chosen)}{_on_test(main)}."


def _fold_score(evidence: Evidence, chosen: Candidate) -> str:
    return f"{metric_name(evidence.metric)} {spread(chosen.score, chosen.error)} (standard error) on the folds"


def _on_test(main: Estimate | None) -> str:
    return "" if main is None else f", {interval(main)} on the sealed test rows"


def _closed(text: str) -> str:
    text = sentence(text.strip())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
