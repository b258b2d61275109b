"""Recipes of a search whose weights collapsed are found by their penalties; others pass."""

import pytest

from bridle.auditing.checks.collapsed_candidates import CollapsedCandidates
from bridle.core import Recipe, schedule, toml
from bridle.records import Candidate, Curves, Outcome, Severity
from bridle.regularizers.penalties import L1, L2


def candidate(number, penalties, *sizes, failure=None):
    """A candidate with two folds, whose penalty ends at the given sizes times its strength."""
    strength = penalties[0].strength if penalties and isinstance(penalties[0].strength, float) else 1.0
    outcomes = tuple(
        Outcome(number, fold, 0, Curves({"penalty": [strength * 50.0, strength * size]}), failure=failure)
        for fold, size in enumerate(sizes)
    )
    return Candidate(number, f"trial {number}", toml.dumps(Recipe(*penalties)), {}, (), 1, 0.1, 0.0, 0.0, outcomes)


def looked(observe, linear, own_run, *candidates):
    return list(CollapsedCandidates().look(observe(linear, run=own_run(of={"candidates": candidates}))))


def test_strengths_that_left_nothing(observe, linear, own_run):
    found = looked(
        observe, linear, own_run,
        candidate(0, [L2(1e-4)], 40.0, 60.0), candidate(1, [L2(1.0)], 1e-3, 2e-3), candidate(2, [L2(5.0)], 0.0, 0.0),
        candidate(3, [L1(1.0)], 0.5, 0.0), candidate(4, [L1(0.01)], 70.0, 50.0), candidate(5, []),
    )  # fmt: skip
    assert [(finding.severity, finding.numbers) for finding in found] == [
        (Severity.INFO, {"penalty": "l2", "strength": 1.0, "candidates": 2}),
        (Severity.INFO, {"penalty": "l1", "strength": 1.0, "candidates": 1}),
    ]
    assert "In 2 of 3 candidates l2 of strength 1 or more left less than a hundredth" in found[0].message
    assert "Search l2.strength up to 0.5." in found[0].message


def test_strengths_that_shrink(observe, linear, own_run):
    assert looked(observe, linear, own_run, candidate(0, [L2(1e-4)], 50.0), candidate(1, [L2(1.0)], 0.006)) == []
    assert looked(observe, linear, own_run, candidate(0, [L1(1e-4)], 50.0), candidate(1, [L1(1.0)], 0.6)) == []


@pytest.mark.parametrize(
    "penalties",
    [[L2(1.0), L1(1.0)], [L2(schedule(0.1, 1.0))], [L2({"first": 1.0, "*": 0.1})], [L2(0.0)]],
    ids=["two", "scheduled", "by layer", "zero"],
)
def test_what_cannot_be_told_is_not(observe, linear, own_run, penalties):
    assert looked(observe, linear, own_run, candidate(0, [L2(1e-4)], 50.0), candidate(1, penalties, 0.0)) == []


def test_failed_candidates_and_other_trainings(observe, linear, own_run):
    failed = candidate(1, [L2(1.0)], 0.0, failure="NaN")
    assert looked(observe, linear, own_run, candidate(0, [L2(1e-4)], 50.0), failed) == []
    assert list(CollapsedCandidates().look(observe(linear))) == []
