"""Rows that chose the weights and give the final score."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.evaluations import MOST
from bridle.auditing.observed import Observed
from bridle.auditing.witnessed import Evaluation, Witnessed
from bridle.records import Finding, Severity

TEST = re.compile(r"(^|_)[tT]est|[a-z]Test")
OTHER = re.compile(r"(^|_)(val(?!ue)|dev(?!ice)|hold_?out)", re.IGNORECASE)
BEST = re.compile(r"(^|_)best|[a-z]Best", re.IGNORECASE)
SEVERAL = 3
"""Evaluations, or models, from which a pattern in what was kept is no chance."""


@final
class SelectedOnTest(Check):
    """A script that ran to its end evaluated one set of rows only, chose among weights by it, and reports it.

    It chose and reports where weights that were trained away from came back and were evaluated on those rows again, or
    the best of several models, alone, after the others. Where the script calls the rows test rows, it is enough that
    weights were kept at each improvement on them and at no other time, that a variable kept the best model of several,
    or that training stopped early on them. A choice that happens to fall on the last epoch or model is not seen, nor is
    one by a table of scores. A second set of rows, of whatever use, ends the suspicion.
    """

    name: ClassVar[str] = "selected_on_test"
    seen_in: ClassVar[tuple[str, ...]] = ("script",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the number of evaluations and of rows."""
        found = observed.witnessed
        if found is None or not found.ended or len(found.evaluations) >= MOST:
            return
        passes = [one for one in found.evaluations if one.phase > 0 and not one.training_rows and one.rows]
        keys, looks = {one.key for one in passes}, len({one.weights for one in passes})
        if len(keys) != 1 or len(passes) < SEVERAL or looks < 2:
            return
        test = called_test(one.names for one in passes)
        reported = _came_back(passes)
        how = (
            "weights that were best on them came back and were evaluated on them again"
            if reported
            else _chosen(found, passes)
            if test
            else ""
        )
        if not how:
            return
        what = "test rows" if test else "rows"
        message = (
            f"The same {passes[0].rows} {what} were evaluated with {looks} different weights, {how}, and no other rows "
            "were evaluated: the score is the best of several looks, and too good for new rows. Choose on validation "
            "rows, split off from training, and evaluate the test rows once, at the end."
        )
        severity = Severity.ERROR if test and reported else Severity.WARNING
        yield Finding(
            self.name, severity, message, {"rows": passes[0].rows, "evaluations": len(passes), "looks": looks}
        )


def called_test(several: Iterable[frozenset[str]]) -> bool:
    """Whether names of the same rows, in one place at least, call them test rows and nothing else."""
    return any(
        any(TEST.search(name) for name in names) and not any(OTHER.search(name) for name in names) for names in several
    )


def _came_back(passes: Sequence[Evaluation]) -> bool:
    """Whether the last evaluation is of weights that were left behind after an earlier one."""
    last = passes[-1]
    chosen = next((one for one in passes[:-1] if one.weights == last.weights), last)
    others = [one for one in passes[:-1] if one.weights != last.weights]
    return any(one.model is chosen.model and one.phase > chosen.phase for one in others) or _best_alone(passes)


def _best_alone(passes: Sequence[Evaluation]) -> bool:
    """Whether the best of several models, and no other one, was evaluated again after the last training."""
    last, looks = passes[-1], _last_looks(passes[:-1])
    before = {one.weights for one in passes if one.phase < last.phase}
    again = {one.weights for one in passes if one.phase == last.phase} & before
    names = last.costs.keys() if len(looks) >= SEVERAL and again == {last.weights} else ()
    return any(last.weights in {one.weights for one in _best(looks, name)} for name in names)


def _last_looks(passes: Sequence[Evaluation]) -> list[Evaluation]:
    """The last evaluation of each model, in the order of the first ones."""
    return list({id(one.model): one for one in passes}.values())


def _best(looks: Sequence[Evaluation], name: str) -> list[Evaluation]:
    lowest = min((one.costs[name] for one in looks if name in one.costs), default=float("nan"))
    return [one for one in looks if one.costs.get(name) == lowest]


def _chosen(found: Witnessed, passes: Sequence[Evaluation]) -> str:
    """How weights were chosen on rows that are called test rows."""
    if any(stop.evaluations[-1] in passes for stop in found.early_stops):
        return "training stopped early on them"
    names = passes[0].costs.keys()
    if any(_kept_at_improvements(passes, name) for name in names):
        return "weights were kept whenever they were better on them"
    if any(_named_while_best(found, passes, name) for name in names):
        return "the best model on them was kept while others were trained"
    return ""


def _kept_at_improvements(passes: Sequence[Evaluation], name: str) -> bool:
    """Whether weights were kept at each improvement and at no other time, and not always."""
    best, improved = float("inf"), []
    for one in passes:
        improved.append(one.costs.get(name, best) < best)
        best = min(best, one.costs.get(name, best))
    kept = [one.kept for one in passes]
    return kept == improved and len(passes) >= SEVERAL and not all(kept)


def _named_while_best(found: Witnessed, passes: Sequence[Evaluation], name: str) -> bool:
    """Whether of several models the variables held on to the one that was best so far, and let the others go.

    A variable that names the first model all along may name it for another reason, unless it says ``best``.
    """
    looks = _last_looks(passes)
    firsts = {id(one.model): one for one in reversed(passes)}
    held = [firsts[id(one.model)].named for one in looks[1:]]
    at_end = frozenset(pair for pair in found.named_at_end if pair[1] != id(looks[-1].model))
    seen, last_kept = set(), False
    for count, named in enumerate([*held, *([at_end] if at_end else [])], start=1):
        models = {model for _, model in named}
        if len(models) != 1 or not models <= {id(one.model) for one in _best(looks[:count], name)}:
            return False
        seen |= models
        last_kept = last_kept or models != {id(looks[count - 1].model)}
    says = all(any(BEST.search(label) for label, _ in named) for named in held)
    return last_kept and (len(seen) > 1 or says)
