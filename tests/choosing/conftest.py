"""What the tests of the search share: outcomes written by hand, and a space with a known best recipe."""

import math

import pytest

from bridle.core import Recipe, Training, between
from bridle.records import Curves, Outcome
from bridle.regularizers.penalties import L1, L2


@pytest.fixture
def outcome():
    """Makes one member's outcome from its score curve."""

    def make(score, clean=None, *, candidate=0, fold=0, seed=0, stopped=None, failure=None):
        series = {"score": list(score)} | ({} if clean is None else {"clean": list(clean)})
        return Outcome(candidate, fold, seed, Curves(series), stopped=stopped, failure=failure)

    return make


@pytest.fixture
def space():
    """Two penalties, one of them optional, and a learning rate."""
    return Recipe(
        L2(between(1e-6, 1e-2)),
        L1(between(1e-6, 1e-2), optional=True),
        training=Training(learning_rate=between(1e-4, 1e-1), epochs=4),
    )


@pytest.fixture
def bowl(outcome):
    """Trains in no time: the score is least at learning rate 1e-3 and L2 1e-4, and L1 only costs."""

    def evaluate(asked, **how):
        results = {}
        for number, recipe in asked:
            strengths = {item.key: item.strength for item in recipe.regularizers}
            base = (math.log10(recipe.training.learning_rate) + 3) ** 2 + (math.log10(strengths["l2"]) + 4) ** 2
            base += 0.5 * ("l1" in strengths)
            results[number] = tuple(
                outcome([base + 1 + 0.01 * fold, base + 0.01 * fold], [base, base], candidate=number, fold=fold)
                for fold in range(3)
            )
        return results

    return evaluate
