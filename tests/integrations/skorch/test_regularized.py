"""A net whose parameters are the recipe's settings."""

import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier

import bridle
from bridle.errors import RecipeError


class Net(bridle.skorch.Regularized, NeuralNetClassifier):
    pass


@pytest.fixture
def net(make):
    return make(kind=Net, recipe=bridle.Recipe(bridle.L2(1e-3), bridle.Dropout(0.3)), max_epochs=2)


def test_settings_are_parameters(net):
    assert net.get_params()["recipe__l2__strength"] == 1e-3
    copy = clone(net).set_params(recipe__dropout__rate=0.1, recipe__l2__strength=2.0, lr=0.05)
    assert copy.recipe == bridle.Recipe(bridle.L2(2.0), bridle.Dropout(0.1))
    assert copy.lr == 0.05
    assert net.recipe == bridle.Recipe(bridle.L2(1e-3), bridle.Dropout(0.3))
    with pytest.raises(RecipeError, match=r"l3.strength is no setting of this recipe"):
        net.set_params(recipe__l3__strength=1.0)


def test_it_trains_as_with_the_callback(net, make, train):
    recipe = net.recipe
    other = make(("regularize", bridle.skorch.Regularize(recipe, seed=5)), max_epochs=2)
    first, second = train(net.set_params(callbacks__regularize__seed=5)), train(other)
    torch.testing.assert_close(first.module_.first.weight, second.module_.first.weight, rtol=0, atol=0)


def test_a_grid_search_turns_a_dial_by_its_plain_name(net, rows):
    net.set_params(train_split=None)
    grid = {"recipe__l2__strength": [1e-4, 30.0]}
    search = GridSearchCV(net, grid, cv=2, scoring="neg_log_loss", error_score="raise").fit(*rows)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] > scores[1]
    assert search.best_estimator_.recipe.regularizers[0] == bridle.L2(1e-4)
    assert dict(search.best_estimator_.callbacks_)["regularize"].recipe == search.best_estimator_.recipe
