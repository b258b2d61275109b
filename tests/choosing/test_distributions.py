from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from bridle.choosing._distributions import distributions
from bridle.core import Recipe, Training, between, choice
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping


def test_dials_are_as_free_as_in_the_space():
    space = Recipe(
        L2(between(1e-6, 1e-2), optional=True),
        EarlyStopping(patience=between(3, 9)),
        training=Training(learning_rate=choice(1e-3, 1e-2)),
    )
    assert distributions(space) == {
        "training.learning_rate": CategoricalDistribution([1e-3, 1e-2]),
        "l2.active": CategoricalDistribution([True, False]),
        "l2.strength": FloatDistribution(1e-6, 1e-2, log=True),
        "early_stopping.patience": IntDistribution(3, 9),
    }
