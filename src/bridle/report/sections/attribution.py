"""What each regularizer is worth."""

from dataclasses import dataclass
from typing import Any

from bridle.records import Attribution, Evidence, Worth
from bridle.report.figures.attribution import attribution_figure
from bridle.report.further import pruning, signed, worths
from bridle.report.wording import count, metric_name, regularizer_name, sentence


@dataclass(frozen=True)
class Row:
    """One regularizer in the table."""

    name: str
    needed: bool
    worth: str
    beside: str
    leave_one_out: str
    add_one_in: str
    shapley: str


def content(evidence: Evidence) -> dict[str, Any] | None:
    """The bars, a table with every number, and where they come from."""
    found = evidence.attribution
    if found is None:
        return None
    return {
        "lead": sentence(f"{worths(found)}."),
        "pruning": pruning(found),
        "figure": attribution_figure(found, evidence.metric),
        "rows": [_row(item) for item in found.worths],
        "together": signed(found.together),
        "origin": _origin(found, metric_name(evidence.metric)),
    }


def _row(item: Worth) -> Row:
    beside = ", ".join(regularizer_name(name) for name in item.beside) or "nothing else"
    estimates = (item.leave_one_out, item.add_one_in, item.shapley)
    parts = ["–" if estimate is None else signed(estimate) for estimate in estimates]
    return Row(regularizer_name(item.name), item.needed, signed(item.worth), beside, *parts)


def _origin(found: Attribution, metric: str) -> str:
    trained = f"{count(len(found.sub_recipes), 'sub-recipe')} on {count(found.splits, 'split')}"
    where = (
        "The rows were divided anew and trained with new seeds: these splits had no part in the choice of the recipe."
        if found.fresh
        else "In time order there is one division only: these folds may have made the choice, so the worths are "
        "optimistic."
    )
    return (
        f"In {metric}, positive is better. {trained}, {count(found.seeds, 'seed')}; each scored at the best epoch of "
        f"its own mean curve, with the same batches and draws. 95 % intervals: corrected resampled t-test. {where}"
    )
