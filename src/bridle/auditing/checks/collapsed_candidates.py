"""Recipes of a search whose weights collapsed: a part of the range that is wasted."""

from collections.abc import Iterator
from statistics import fmean
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.observed import Observed
from bridle.core import Penalty
from bridle.records import Candidate, Finding, Severity
from bridle.regularizers.catalogue import parse_recipe
from bridle.regularizers.penalties import L1, L2

LEFT: dict[type[Penalty], float] = {L2: 1e-4, L1: 1e-2}
"""What is left of collapsed weights, as a share of the largest sum of squares (L2) or of absolute values (L1)."""


@final
class CollapsedCandidates(Check):
    """The penalty at the end of each candidate's training, over its strength, is the size of what it acts on."""

    name: ClassVar[str] = "collapsed_candidates"
    seen_in: ClassVar[tuple[str, ...]] = ("run",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """One finding for each penalty, with the strengths from which on weights collapsed."""
        candidates = observed.run.candidates if observed.run is not None else ()
        for kind, left in LEFT.items():
            sizes = [found for candidate in candidates if (found := _size(candidate, kind)) is not None]
            largest = max((size for _, size in sizes), default=0.0)
            collapsed = [strength for strength, size in sizes if size < left * largest]
            if not collapsed:
                continue
            least = min(collapsed)
            yield Finding(
                self.name,
                Severity.INFO,
                f"In {len(collapsed)} of {len(sizes)} candidates {kind.name()} of strength {least:.2g} or more left "
                f"less than a hundredth of the weights: trials on constant predictions. Search {kind.name()}.strength "
                f"up to {least / 2:.1g}.",
                {"penalty": kind.name(), "strength": least, "candidates": len(collapsed)},
            )


def _size(candidate: Candidate, kind: type[Penalty]) -> tuple[float, float] | None:
    """The strength of a candidate's only penalty, and what it acted on at the end: a mean over folds and seeds."""
    penalties = parse_recipe(candidate.recipe, candidate.name).of(Penalty)
    series = [outcome.curves.series.get("penalty", []) for outcome in candidate.outcomes if outcome.failure is None]
    if len(penalties) != 1 or not isinstance(penalties[0], kind) or not series or not all(series):
        return None
    strength = getattr(penalties[0], "strength", None)
    if not isinstance(strength, float) or strength <= 0.0:
        return None  # a schedule, or a strength for each layer
    return strength, fmean(values[-1] for values in series) / strength
