"""The network of one member."""

import numpy as np
import pytest
import torch
from torch import nn

from bridle.core import Place
from bridle.data.dataset import Dataset
from bridle.data.preprocess import fit
from bridle.engine.network import FLOOR, build_network, inputs_of, resolve_factory, takes_codes
from bridle.models import Inputs
from bridle.models.cnn import cnn
from bridle.models.linear import LinearModel, linear
from bridle.models.mlp import mlp
from bridle.records import Column, Kind, Layout, Task

CPU = torch.device("cpu")


@pytest.fixture
def mixed():
    """A number with missing values and two columns of categories."""
    columns = (Column("n", missing=True), Column("c", ("x", "y", "z")), Column("d", ("u", "v")))
    layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (3,), columns=columns, classes=("a", "b"))
    inputs = np.array([[0.5, 2, 2], [np.nan, 3, 3], [2.0, 4, 2], [1.0, 3, 2]], np.float32)
    return Dataset(inputs, np.array([0, 1, 0, 1]), layout)


def test_what_a_network_of_codes_is_told(mixed):
    preprocessing = fit(mixed, np.arange(4))
    expected = Inputs(Kind.TABLE, (4,), 2, continuous=1, indicators=1, cardinalities=(5, 4))
    assert inputs_of(mixed.layout, preprocessing) == expected


def test_other_networks_get_one_hot_columns(mixed, begin):
    seen = []

    def make_net(example, outputs):
        seen.append(tuple(example.shape))
        return nn.Linear(len(example), outputs)

    training = begin(mixed, make_net)
    assert seen == [(7,)]
    columns = training.examples.inputs(torch.arange(4))[:, 2:]
    expected = [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0], [0, 1, 0, 1, 0]]
    assert columns.tolist() == expected


def test_what_a_model_means(mixed, images):
    table = inputs_of(mixed.layout, fit(mixed, np.arange(4)))
    picture = inputs_of(images().layout, fit(images(), np.arange(4)))
    assert picture == Inputs(Kind.IMAGE, (3, 6, 6), 2)
    assert (resolve_factory(None, table), resolve_factory(None, picture)) == (mlp, cnn)
    assert resolve_factory(FLOOR, picture) is linear
    assert resolve_factory("torch.nn:Identity", table) is nn.Identity
    net = nn.Linear(1, 1)
    assert resolve_factory(net, table) is net


def test_who_takes_codes():
    assert takes_codes(None)
    assert takes_codes(FLOOR)
    assert takes_codes("bridle.models.mlp:mlp")
    assert not takes_codes("torch.nn:Identity")
    assert not takes_codes(lambda example, outputs: nn.Linear(len(example), outputs))


def test_dropout_becomes_places_and_convolutions_lie_channels_last(images, conv):
    dataset = images()
    preprocessing = fit(dataset, np.arange(4))
    net = build_network(conv, dataset.layout, preprocessing, 0, custom_loss=False, device=CPU)
    assert isinstance(net[3], Place)
    assert net[3].rate == 0.2
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not net[0].weight.is_contiguous()
    again = build_network(conv, dataset.layout, preprocessing, 0, custom_loss=False, device=CPU)
    other = build_network(conv, dataset.layout, preprocessing, 1, custom_loss=False, device=CPU)
    assert torch.equal(net[0].weight, again[0].weight)
    assert not torch.equal(net[0].weight, other[0].weight)


def test_the_floor_is_a_linear_model(mixed):
    net = build_network(FLOOR, mixed.layout, fit(mixed, np.arange(4)), 0, custom_loss=False, device=CPU)
    assert isinstance(net, LinearModel)
