"""Curves know how many epochs they cover."""

from bridle.records import Curves


def test_epochs_are_those_of_the_longest_series():
    assert Curves({"score": [0.1, 0.2], "watch": [0.3]}).epochs == 2
    assert Curves().epochs == 0
