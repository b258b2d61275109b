"""What checks read from an entry, by hand."""

import math

import pytest

from bridle.auditing.checks._ledger import is_pulled, loss_strength, pull, repeatable, shrink, some
from bridle.auditing.observed import Observed
from bridle.records import Entry, Ledger, Part


def entry(name="w", **fields):
    return Entry(name, "matrices", (2, 2), True, True, True, 2.0, 0.1, 0.0, 0.1, 1.0, 0.5, **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 0.0),
        ({"strength": 0.2, "l1_strength": 0.0}, 0.2),
        ({"strength": 0.0, "l1_strength": 0.3}, 0.3),
        ({"strength": 0.2, "decay": 0.4}, 0.4),
        ({"sources": {"loss": math.nan, "optimizer": 0.1}}, 0.1),
        ({"strength": -1.0}, 0.0),
    ],
)
def test_the_largest_strength(fields, expected):
    assert pull(entry(**fields)) == expected


def test_the_strength_in_the_loss():
    assert loss_strength(entry(sources={"loss": 0.2}, l1_sources={"loss": 0.1})) == 0.2
    assert loss_strength(entry(l1_sources={"loss": 0.1})) == 0.1
    assert loss_strength(entry(sources={"loss": math.nan, "optimizer": 0.2})) == 0.0


def test_shrinking_and_pulling():
    parts = {"data": Part(1.0, 1.0, 0.5), "penalty": Part(0.1, 0.1, 0.02), "decay": Part(0.1, 0.1, 0.01)}
    assert shrink(entry(parts=parts)) == pytest.approx(0.03)
    assert is_pulled(entry(parts=parts))
    assert not is_pulled(entry(parts={"data": Part(1.0, 1.0, 0.5), "penalty": Part(0.0, 0.0, 0.0)}))


def test_names_and_a_step_that_is_the_same_each_time():
    assert some([entry(name) for name in "abcde"]) == "a, b, c and 2 more"
    assert some([entry("a")]) == "a"
    for noise, given in ((0.0, True), (0.01, True), (0.02, False)):
        ledger = Ledger((), "SGD", noise=noise)
        assert (repeatable(Observed(None, None, None, ledger=ledger)) is ledger) is given
    assert repeatable(Observed(None, None, None)) is None
