"""In sentences: what each regularizer is worth, what more data would buy, which features survive."""

import math

from bridle.records import Attribution, Estimate, Evidence, LearningCurve, Stability, Worth
from bridle.report.reading import Standing, standing
from bridle.report.wording import count, fixed, interval, metric_name, number, regularizer_name, sentence

SHOWN = 8
"""Features that a sentence names."""


def sentences(evidence: Evidence) -> list[str]:
    """All that was asked beyond the choice, a sentence each."""
    found = []
    if evidence.attribution is not None:
        name = sentence(metric_name(evidence.metric))
        found.append(f"{name} that each regularizer buys: {worths(evidence.attribution)}.")
        found += [text for text in (pruning(evidence.attribution),) if text]
    if evidence.learning_curve is not None:
        found.append(more_data(evidence.learning_curve, evidence.metric))
    if evidence.stability is not None:
        found.append(survival(evidence.stability))
    return found


def worths(attribution: Attribution) -> str:
    """What each regularizer is worth, the most first: ``dropout +0.8 ± 0.3, L2 +0.1 ± 0.3 (not needed)``."""
    ordered = sorted(attribution.worths, key=lambda item: (not item.needed, -_finite(item.worth.value)))
    return ", ".join(_worth(item) for item in ordered)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _worth(item: Worth) -> str:
    name = regularizer_name(item.name)
    if not math.isfinite(item.worth.value):
        return f"{name} (training fails without it)"
    return f"{name} {signed(item.worth)}{'' if item.needed else ' (not needed)'}"


def signed(estimate: Estimate) -> str:
    """A difference with its sign and half its 95 % interval: ``+0.8 ± 0.3``."""
    if not math.isfinite(estimate.value):
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{'+' if estimate.value > 0 else ''}{number(estimate.value)}"
    half = (estimate.high - estimate.low) / 2
    value = fixed(estimate.value, half)
    return f"{'+' if estimate.value > 0 else ''}{value} ± {fixed(half, half)}"


def pruning(attribution: Attribution) -> str:
    """What became of the regularizers that are not needed; empty where all are."""
    if attribution.pruned is None:
        return ""
    names = _listed([regularizer_name(item.name) for item in attribution.worths if not item.needed])
    if attribution.applied:
        return f"The final recipe was trained without {names}: {_change(attribution.pruned)}."
    if standing(attribution.pruned) is Standing.WORSE:
        return f"Without {names} together the recipe is worse, so all of them stay: {_change(attribution.pruned)}."
    return f"Without {names} (bridle fit --prune): {_change(attribution.pruned)}."


def _listed(names: list[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _change(difference: Estimate) -> str:
    return f"{signed(difference)} on the splits that judged"


def more_data(curve: LearningCurve, metric: str) -> str:
    """What twice the training rows would buy."""
    name, rows = metric_name(metric), f"{count(2 * curve.rows, 'training row')} instead of {curve.rows:,}"
    if curve.law.scale == 0:
        return f"More training rows did not improve {name}, so none are promised to for {rows}."
    match standing(curve.gain):
        case Standing.BETTER:
            said = f"would improve {name} by {interval(curve.gain)}, to about {number(curve.doubled.value)}"
        case Standing.UNKNOWN:
            said = f"would improve {name} by {number(curve.gain.value)}, without an interval"
        case _:
            said = f"are not shown to improve {name} (by {interval(curve.gain)})"
    return f"{rows} {said}, as far as the power law through {len(curve.points)} sizes holds."


def survival(stability: Stability) -> str:
    """Which features are stable, and how many of them may be false."""
    more = len(stability.stable) - SHOWN
    names = _listed([*stability.stable[:SHOWN], *([f"{more} more"] if more > 0 else [])]) if stability.stable else ""
    halves = f"{number(100 * stability.threshold)} % of {2 * stability.pairs} halves of the rows"
    said = f"{len(stability.stable)} of {count(len(stability.features), 'feature')} survive in {halves}"
    return f"{said}{f': {names}' if names else ''}. {bound(stability)}"


def bound(stability: Stability) -> str:
    """What the bound says of the stable features."""
    if stability.bound >= max(1, len(stability.stable)):
        return f"A half keeps {number(stability.mean_selected)}, too many to bound how many of them are false."
    return f"Expected false ones among them: at most {number(stability.bound, 2)}."
