"""Recipes that train in a fraction of a second."""

import pytest

from bridle.core import Recipe, Training, between, choice
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2

QUICK = Training(epochs=8, batch_size=16, learning_rate=1e-2)


@pytest.fixture(scope="session")
def fixed() -> Recipe:
    """Nothing free: one training, no search."""
    return Recipe(L2(1e-4), Dropout(0.1), training=QUICK)


@pytest.fixture(scope="session")
def space() -> Recipe:
    """Two free dials, few epochs."""
    return Recipe(L2(between(1e-6, 1e-2)), Dropout(choice(0.0, 0.2)), training=QUICK.replace(epochs=2, batch_size=50))
