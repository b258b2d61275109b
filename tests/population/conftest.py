"""What the tests of the population share."""

import numpy as np
import pytest

from bridle.core import Recipe, Training
from bridle.population import Member
from bridle.records import Fold


@pytest.fixture
def members():
    """Makes numbered members of small folds."""

    def make(count, **training):
        recipe = Recipe(training=Training(**training))
        marks = np.repeat([0, 2], [30, 10]).astype(np.int8)
        return [Member(number, recipe, Fold(number % 2, marks), number // 2) for number in range(count)]

    return make
