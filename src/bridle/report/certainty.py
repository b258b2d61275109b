"""Optimism, comparisons on folds and nested cross-validation in sentences; the page and the terminal share them."""

from collections import Counter

from bridle.records import Comparison, Evidence, Nested
from bridle.report.reading import Standing, standing
from bridle.report.wording import count, interval, metric_name, number, regularizer_name, tested_name


def optimism_text(evidence: Evidence) -> str:
    """By how much the folds' score flatters, and what is left of it; empty where that is not known."""
    found = evidence.optimism
    if found is None:
        return ""
    size = number(abs(found.optimism), 2)
    flatters = "flatters by" if found.optimism >= 0 else "shows no optimism: the corrected score is better by"
    left = f" {count(found.left_out, 'recipe')} without kept predictions left out." if found.left_out else ""
    return (
        f"Choosing among {count(found.candidates, 'recipe')} {flatters} {size}: {metric_name(evidence.metric)} "
        f"{number(found.apparent)} on the folds that chose it, {interval(found.corrected)} on rows that did not "
        f"(bootstrap of the whole choice, epochs included).{left}"
    )


def fold_comparisons_text(evidence: Evidence) -> str:
    """The chosen against each baseline on the folds that chose it; empty without comparisons."""
    if not evidence.fold_comparisons:
        return ""
    return (
        f"{_against(evidence, evidence.fold_comparisons)} (corrected resampled t-test; optimistic, because these "
        "folds made the choice)."
    )


def nested_text(evidence: Evidence) -> str:
    """What the whole search is worth, and how stable its choice; empty without nested cross-validation."""
    found = evidence.nested
    if found is None:
        return ""
    compared = f" {_against(evidence, found.comparisons)}." if found.comparisons else ""
    return (
        f"{metric_name(evidence.metric)} {interval(found.score)} over {count(len(found.folds), 'outer fold')}, each "
        f"with a search of its own that never saw the rows it is scored on.{compared} {stability_text(found)}"
    )


def stability_text(nested: Nested) -> str:
    """In how many outer folds each regularizer was chosen."""
    times = Counter(name for fold in nested.folds for name in fold.active)
    if not times:
        return "No outer fold chose a regularizer."
    chosen = ", ".join(f"{regularizer_name(name)} in {many}" for name, many in times.most_common())
    return f"Of {len(nested.folds)} choices: {chosen}."


def _against(evidence: Evidence, comparisons: tuple[Comparison, ...]) -> str:
    parts = [
        f"{interval(item.difference)} than {tested_name(item.other, evidence.task)}{_unclear(item)}"
        for item in comparisons
    ]
    return f"Better by {', by '.join(parts)}"


def _unclear(item: Comparison) -> str:
    return " (no difference shown)" if standing(item.difference) is Standing.UNCLEAR else ""
