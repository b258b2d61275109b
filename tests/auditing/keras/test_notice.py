"""Keras models are noticed when they are compiled and fitted, and stopped where asked."""

import pytest

pytestmark = pytest.mark.slow  # each script is a process that imports Keras


def test_the_first_step(traced):
    told = traced("unused_weight")
    assert (told["steps"], told["validations"], told["notes"]) == (1, 0, [])


def test_two_validations(traced):
    """1,437 training rows in batches of 128 are 12 steps an epoch."""
    told = traced("clean", 2)
    assert (told["steps"], told["validations"], told["notes"]) == (24, 2, [])
    assert told["status"] == 0
