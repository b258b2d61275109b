"""Looking things up in the evidence: who was chosen, against whom, and what an interval allows to say."""

import math
from enum import StrEnum

from bridle.records import Candidate, Comparison, Estimate, Evidence, Outcome, Tested
from bridle.report.wording import count

UNREGULARIZED = "none"


class Standing(StrEnum):
    """What the interval of a difference allows to say of the chosen recipe."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "no difference shown"
    UNKNOWN = "no interval"


def standing(difference: Estimate) -> Standing:
    """How the chosen recipe stands: better or worse only where the whole interval says so."""
    if difference.low is None or difference.high is None or math.isnan(difference.low + difference.high):
        return Standing.UNKNOWN
    if difference.low > 0:
        return Standing.BETTER
    return Standing.WORSE if difference.high < 0 else Standing.UNCLEAR


def chosen_candidate(evidence: Evidence) -> Candidate | None:
    """The candidate that was chosen; ``None`` without a search."""
    if evidence.choice is None:
        return None
    numbered = {candidate.number: candidate for candidate in evidence.candidates}
    return numbered.get(evidence.choice.number)


def baseline(evidence: Evidence, name: str = UNREGULARIZED) -> Candidate | None:
    """A baseline by name."""
    return next((candidate for candidate in evidence.baselines if candidate.name == name), None)


def chosen_test(evidence: Evidence) -> Tested | None:
    """The chosen (or given) recipe on the sealed test rows."""
    return next((tested for tested in evidence.tested if tested.name == "chosen"), next(iter(evidence.tested), None))


def main_comparisons(evidence: Evidence) -> tuple[Comparison, ...]:
    """The comparisons on the metric that chose."""
    return tuple(comparison for comparison in evidence.comparisons if comparison.metric == evidence.metric)


def against(evidence: Evidence, other: str = UNREGULARIZED) -> Comparison | None:
    """The chosen recipe against ``other`` on the metric that chose."""
    return next((comparison for comparison in main_comparisons(evidence) if comparison.other == other), None)


def main_outcomes(evidence: Evidence) -> tuple[Outcome, ...]:
    """The trainings whose curves tell the story: the chosen one's folds, else the given recipe's refits."""
    chosen = chosen_candidate(evidence)
    if chosen is not None:
        return chosen.outcomes
    tested = chosen_test(evidence)
    return tested.outcomes if tested is not None else ()


def repeats(outcomes: tuple[Outcome, ...]) -> str:
    """What was repeated, in words: "5 folds", "5 seeds", "5 folds and 3 seeds"; "1 training" where nothing was."""
    counts = ((folds(outcomes), "fold"), (seeds(outcomes), "seed"))
    return " and ".join(count(number, noun) for number, noun in counts if number > 1) or "1 training"


def folds(outcomes: tuple[Outcome, ...]) -> int:
    """How many folds the outcomes come from."""
    return len({outcome.fold for outcome in outcomes})


def seeds(outcomes: tuple[Outcome, ...]) -> int:
    """How many seeds the outcomes come from."""
    return len({outcome.seed for outcome in outcomes})


def succeeded(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """The candidates with a finite score."""
    return tuple(candidate for candidate in candidates if math.isfinite(candidate.score))


def ranked(evidence: Evidence, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """The candidates from the best score to the worst, failed ones last."""
    sign = -1.0 if evidence.higher_is_better else 1.0

    def key(candidate: Candidate) -> tuple[bool, float]:
        failed = not math.isfinite(candidate.score)
        return failed, 0.0 if failed else sign * candidate.score

    return tuple(sorted(candidates, key=key))
