"""What a decay takes, by hand."""

import math

import pytest

from bridle.auditing.checks._amount import amount_of
from bridle.records import Entry, Part


def entry(name, size, took, length, rate=0.1, declared=0.2):
    """A parameter of a size that lost a share of itself, by a movement of a length."""
    parts = {"penalty": Part(length, 0.1, took)}
    return Entry(name, "matrices", (2,), True, True, True, size, 1.0, 0.0, rate, 1.0, 0.1, parts, declared=declared)


def test_two_parameters():
    # decoupled decay would take 0.02 of each: one loses half as much, the other twice as much, in proportion to itself
    found = amount_of([entry("a", 1.0, 0.01, 0.01), entry("b", 2.0, 0.04, 0.08)])
    assert found.mean == pytest.approx((0.5 * 1 + 2.0 * 4) / 5)
    assert found.spread == pytest.approx(math.sqrt((0.25 * 1 + 4.0 * 4) / 5 / 1.7**2 - 1))
    assert (found.least, found.most) == (("a", pytest.approx(0.5)), ("b", pytest.approx(2.0)))


def test_unequal_within_one_parameter():
    found = amount_of([entry("a", 1.0, 0.02, 0.02 * math.sqrt(1.25))])
    assert (found.mean, found.spread) == (pytest.approx(1.0), pytest.approx(0.5))


def test_rates_of_their_own_do_not_make_it_unequal():
    found = amount_of([entry("a", 1.0, 0.02, 0.02), entry("b", 1.0, 0.2, 0.2, rate=1.0)])
    assert found.spread == pytest.approx(0.0, abs=1e-6)


def test_nothing_and_growth():
    assert amount_of([]) is None
    assert amount_of([entry("a", 1.0, -0.02, 0.02)]).spread == math.inf
