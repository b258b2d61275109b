"""Features by the columns of a first layer, and what is refused where none can be left out."""

import numpy as np
import pytest
import torch
from torch import nn

from bridle.core import Recipe, Training
from bridle.data.dataset import Dataset
from bridle.data.preprocess import fit
from bridle.engine.network import build_network
from bridle.engine.survival import check_survival, entrances, features_of_columns, survivors
from bridle.engine.trained import Trained
from bridle.errors import ModelError, RecipeError
from bridle.models.linear import linear
from bridle.models.mlp import mlp
from bridle.models.skip_mlp import skip_mlp
from bridle.records import Column, Kind, Layout, Task
from bridle.regularizers.penalties import L1, L2, HierarchicalLasso

CPU = torch.device("cpu")


@pytest.fixture
def mixed():
    """Two numbers, the second with missing values, and two categories."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(40, 4)).astype(np.float32)
    inputs[::5, 1] = np.nan
    inputs[:, 2] = random.integers(2, 5, 40)
    inputs[:, 3] = random.integers(2, 4, 40)
    columns = (Column("a"), Column("b", None, True), Column("c", ("x", "y", "z")), Column("d", ("u", "v")))
    layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (4,), "kind", columns, ("no", "yes"))
    return Dataset(inputs, np.arange(40) % 2, layout)


def plain_net(example, outputs):
    return nn.Sequential(nn.Linear(len(example), 3), nn.ReLU(), nn.Linear(3, outputs))


def trained(dataset, model, one_hot):
    preprocessing = fit(dataset, np.arange(len(dataset)), one_hot=one_hot)
    network = build_network(model, dataset.layout, preprocessing, 0, custom_loss=False, device=CPU)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    return Trained(network, preprocessing, CPU)


def columns_of(dataset, model, one_hot):
    found = trained(dataset, model, one_hot)
    weight = dict(found.model.named_parameters())[entrances(found.model)[-1]]
    return features_of_columns(dataset.layout, found.preprocessing, weight.shape[1]).tolist()


def test_columns_of_a_category_and_an_indicator_belong_to_their_feature(mixed):
    assert columns_of(mixed, plain_net, True) == [0, 1, 1, 2, 2, 2, 3, 3]
    assert columns_of(mixed, linear, False) == [0, 1, 1, *[2] * 5, *[3] * 4]
    assert columns_of(mixed, skip_mlp, False) == [0, 1, 1, *[2] * 5, *[3] * 4]


@pytest.mark.parametrize(("model", "one_hot"), [(plain_net, True), (linear, False), (skip_mlp, False)])
def test_a_feature_survives_by_a_single_weight(mixed, model, one_hot):
    found = trained(mixed, model, one_hot)
    assert not survivors(found, mixed.layout).any()
    for name in entrances(found.model):
        weight = dict(found.model.named_parameters())[name]
        for column, feature in enumerate(columns_of(mixed, model, one_hot)):
            with torch.no_grad():
                weight[-1, column] = -1e-6
            assert np.flatnonzero(survivors(found, mixed.layout)).tolist() == [feature]
            with torch.no_grad():
                weight.zero_()


def test_what_acts_where_the_inputs_enter_is_accepted(mixed, setting):
    check_survival(Recipe(L2(1e-3), L1(1e-2, scope="first_layer")), setting(mixed, linear))
    check_survival(Recipe(L1(1e-2)), setting(mixed, plain_net))
    features = (0, 1, 1, *[2] * 5, *[3] * 4)
    lasso = Recipe(HierarchicalLasso(1e-2, features=features), training=Training(optimizer="sgd"))
    check_survival(lasso, setting(mixed, skip_mlp))


@pytest.mark.parametrize(
    "recipe",
    [Recipe(), Recipe(L2(1e-2)), Recipe(L1(1e-2, gradient_only=True)), Recipe(L1(1e-2, scope="last_layer"))],
)
def test_a_recipe_that_leaves_no_feature_out_is_refused(mixed, setting, recipe):
    with pytest.raises(RecipeError, match=r"No penalty of the recipe sets weights of 0\.weight to exact zeros"):
        check_survival(recipe, setting(mixed, plain_net))


def test_a_network_without_a_column_per_input_is_refused(mixed, setting):
    with pytest.raises(
        ModelError, match=r"The first layer has \d+ columns for 12 inputs, so that no weight belongs to"
    ):
        check_survival(Recipe(L1(1e-2)), setting(mixed, mlp))


def test_images_have_no_features(images, setting):
    with pytest.raises(RecipeError, match="features survive in tables only; this is image data"):
        check_survival(Recipe(L1(1e-2)), setting(images(), linear))
