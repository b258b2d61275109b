"""The verdict: what the regularization bought, in one honest sentence."""

import math

from bridle.records import Comparison, Estimate, Evidence
from bridle.report.reading import (
    UNREGULARIZED,
    Standing,
    against,
    baseline,
    chosen_candidate,
    chosen_test,
    main_comparisons,
    standing,
)
from bridle.report.recipe import regularizers
from bridle.report.wording import count, interval, metric_name, number, spread, tested_name


def verdict(evidence: Evidence) -> str:
    """What the chosen (or given) recipe reaches on the sealed test rows, against what, and how sure that is.

    A difference is called better or worse only where its whole interval lies on one side of zero.
    """
    tested = chosen_test(evidence)
    estimate = tested.metrics.get(evidence.metric) if tested is not None else None
    if estimate is None:
        return _untested(evidence)
    if not math.isfinite(estimate.value):
        return f"{_subject(evidence)} gave no finite {metric_name(evidence.metric)} on the sealed test rows."
    reached = (
        f"{_subject(evidence)} reaches {metric_name(evidence.metric)} {interval(estimate)} on {_test_rows(evidence)}"
    )
    found = [part for part in (_against_nothing(evidence), _gap(evidence), _beaten_by(evidence)) if part]
    return f"{reached}{': ' if found else ''}{'; '.join(found)}."


def _subject(evidence: Evidence) -> str:
    which = "given" if evidence.choice is None else "chosen"
    return f"The {which} recipe ({', '.join(regularizers(evidence.recipe)) or 'no regularizer'})"


def _test_rows(evidence: Evidence) -> str:
    rows = evidence.data.rows.get("test")
    return "the sealed test rows" if rows is None else count(rows, "sealed test row")


def _untested(evidence: Evidence) -> str:
    chosen = chosen_candidate(evidence)
    if chosen is None or not math.isfinite(chosen.score):
        return f"{_subject(evidence)} has not been scored on sealed test rows."
    scored = f"{metric_name(evidence.metric)} {spread(chosen.score, chosen.error)}"
    known = evidence.optimism
    corrected = "" if known is None else f" ({interval(known.corrected)} once that is corrected)"
    return (
        f"{_subject(evidence)} scores {scored} on the folds that chose it, which is optimistic{corrected}; "
        "it has not been scored on sealed test rows."
    )


def _against_nothing(evidence: Evidence) -> str | None:
    comparison = against(evidence)
    return None if comparison is None else _compared(evidence, comparison, "no regularization")


def _compared(evidence: Evidence, comparison: Comparison, other: str) -> str:
    difference = comparison.difference
    match standing(difference):
        case Standing.BETTER:
            return f"{interval(difference)} better than {other}"
        case Standing.WORSE:
            return f"{interval(turned(difference))} worse than {other}"
        case Standing.UNCLEAR:
            return (
                f"against {other} no difference that {_these_rows(evidence)} can show "
                f"({_leaning(difference.value)} {_span(difference)})"
            )
        case _:
            return f"{_leaning(difference.value)} than {other}, without an interval"


def _these_rows(evidence: Evidence) -> str:
    rows = evidence.data.rows.get("test")
    return "these test rows" if rows is None else f"these {count(rows, 'row')}"


def _leaning(difference: float) -> str:
    return f"{number(abs(difference))} {'worse' if difference < 0 else 'better'}"


def _span(difference: Estimate) -> str:
    return "[" + interval(difference).partition(" [")[2]


def turned(difference: Estimate) -> Estimate:
    """The same difference seen from the other side."""
    low, high = difference.low, difference.high
    return Estimate(-difference.value, None if high is None else -high, None if low is None else -low)


def _gap(evidence: Evidence) -> str | None:
    chosen, unregularized = chosen_candidate(evidence), baseline(evidence)
    if chosen is None or unregularized is None or not math.isfinite(chosen.gap + unregularized.gap):
        return None
    before, after = number(unregularized.gap, 2), number(chosen.gap, 2)
    if before == after:
        return f"the gap stayed at {after}"
    return f"the gap {'fell' if chosen.gap < unregularized.gap else 'grew'} from {before} to {after}"


def _beaten_by(evidence: Evidence) -> str | None:
    worse = [
        f"{tested_name(comparison.other, evidence.task)} ({interval(turned(comparison.difference))})"
        for comparison in main_comparisons(evidence)
        if comparison.other != UNREGULARIZED and standing(comparison.difference) is Standing.WORSE
    ]
    return f"worse than {' and '.join(worse)}" if worse else None
