"""Early stopping against its definition, on random courses of the loss."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bridle.core import between
from bridle.errors import DialError
from bridle.regularizers.stopping import EarlyStopping

LOSSES = st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, math.nan, math.inf]), min_size=1, max_size=12)


def course(rule, losses):
    state = rule.start()
    for loss in losses:
        state = rule.update(state, torch.tensor(loss))
        yield rule.is_best(state), rule.should_stop(state)


@settings(derandomize=True, database=None, deadline=None, max_examples=100)
@given(LOSSES, st.integers(1, 4))
def test_it_stops_when_the_lowest_loss_is_patience_epochs_old(losses, patience):
    lowest, best_at = math.inf, -1
    for epoch, (is_best, should_stop) in enumerate(course(EarlyStopping(patience), losses)):
        if losses[epoch] < lowest:
            lowest, best_at = losses[epoch], epoch
        assert is_best == (best_at == epoch)
        assert should_stop == (epoch - best_at >= patience)


def test_an_example():
    found = list(course(EarlyStopping(2), [1.0, 0.8, 0.9, 0.7, 0.7, 0.75]))
    assert [is_best for is_best, _ in found] == [True, True, False, True, False, False]
    assert [should_stop for _, should_stop in found] == [False] * 5 + [True]


def test_differences_of_single_precision_count():
    losses = [np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(0))]
    assert [is_best for is_best, _ in course(EarlyStopping(1), losses)] == [True, True]


@pytest.mark.parametrize("patience", [0, -1, 2.5])
def test_patience_counts_epochs(patience):
    with pytest.raises(DialError, match=r"EarlyStopping.patience must"):
        EarlyStopping(patience)


def test_patience_may_be_searched():
    assert EarlyStopping(between(3, 10)).free() == {"patience": between(3, 10)}
