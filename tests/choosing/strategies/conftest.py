"""Rounds as a study would ask them, without a database."""

import pytest
from optuna.trial import TrialState, create_trial

from bridle.choosing._distributions import distributions
from bridle.choosing.strategies import Round


@pytest.fixture
def play():
    """Asks a strategy some rounds, each told before the next; all recipes in order."""

    def rounds(strategy, space, count, size, **of):
        told, asked = [], []
        for number in range(count):
            found = strategy.propose(Round(space, number, len(asked), size, told=list(told), **of))
            free = distributions(space)
            for values in found:
                own = {address: free[address] for address in values}
                told.append(create_trial(state=TrialState.COMPLETE, params=values, distributions=own, value=0.0))
            asked += found
        return asked

    return rounds
