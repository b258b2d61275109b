"""On real tables: strengths without validation data lose no more than noise against no regularization."""

import numpy as np
import pytest

import bridle
from bridle.choosing.scoring import curves
from bridle.core import Recipe
from bridle.data.folds import make_folds
from bridle.data.load import load
from bridle.data.options import Options
from bridle.data.sealed import split_test
from bridle.engine.setting import Setting
from bridle.engine.train import train
from bridle.metrics import catalogue as metrics
from bridle.population import Member


def on_folds(name, recipe):
    """The scores of five folds of the rows that are not sealed, after the last epoch."""
    dataset = load(name, Options())
    setting = Setting(dataset, metrics.default(dataset.layout.task))
    folds = make_folds(dataset, split_test(dataset, 0.2, 0)[0], 5, 0)
    return curves([train(Member(0, recipe, fold, 0), setting) for fold in folds], "score")[:, -1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_no_worse_than_no_regularization(name):
    found = bridle.marginal_likelihood(name, device="cpu")
    plain, own = on_folds(name, Recipe(training=found.recipe.training)), on_folds(name, found.recipe)
    difference = own - plain  # log-loss or RMSE: lower is better
    assert difference.mean() < 2 * np.std(difference, ddof=1) / np.sqrt(5)
    if name != "digits":
        assert own.mean() < 0.9 * plain.mean()  # over-trained tables gain
