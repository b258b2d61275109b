"""Noise at the places of a network."""

import pytest
import torch
from torch import nn

from bridle.core import Draws, Place, Recipe, schedule
from bridle.engine.noise import PlacedNoise
from bridle.errors import ScopeError
from bridle.models.places import replace_dropout
from bridle.regularizers.noise import Dropout

DRAWS = Draws(1, 2, 3)
ONES = torch.ones(50, 8)


def net(*modules):
    return replace_dropout(nn.Sequential(*modules)).train()


def mask(name, rate, draws=DRAWS):
    return (draws.uniform(name, (50, 8), ONES) >= rate) / (1 - rate)


def test_every_place_has_its_own_counted_draws():
    model = net(Place(), nn.Identity(), Place())
    noise = PlacedNoise(model, Recipe(Dropout(0.5)))
    noise.set(DRAWS, 0.0)
    torch.testing.assert_close(model(ONES), mask("dropout:0:1", 0.5) * mask("dropout:2:1", 0.5))


def test_a_place_that_is_passed_twice_draws_twice_and_anew_each_step():
    place = Place()
    model = net(place, place)
    noise = PlacedNoise(model, Recipe(Dropout(0.5)))
    for draws in (DRAWS, Draws(1, 2, 4), DRAWS):
        noise.set(draws, 0.0)
        expected = mask("dropout:0:1", 0.5, draws) * mask("dropout:0:2", 0.5, draws)
        torch.testing.assert_close(model(ONES), expected)


def test_the_networks_own_dropout_keeps_its_rate_where_the_recipe_has_none():
    model = net(nn.Dropout(0.25), nn.Identity())
    noise = PlacedNoise(model, Recipe())
    noise.set(DRAWS, 0.0)
    torch.testing.assert_close(model(ONES), mask("dropout@0:0:1", 0.25))


def test_noise_of_the_recipe_takes_the_place_of_the_networks_own():
    model = net(nn.Dropout(0.25), nn.Dropout(0.1))
    noise = PlacedNoise(model, Recipe(Dropout(0.5, scope={"names": "0"})))
    noise.set(DRAWS, 0.0)
    torch.testing.assert_close(model(ONES), mask("dropout:0:1", 0.5) * mask("dropout@1:1:1", 0.1))


def test_two_noises_at_one_place_act_in_the_recipes_order():
    model = net(Place())
    noise = PlacedNoise(model, Recipe(Dropout(0.5, label="a"), Dropout(0.2, label="b")))
    noise.set(DRAWS, 0.0)
    torch.testing.assert_close(model(ONES), mask("a:0:1", 0.5) * mask("b:0:1", 0.2))


def test_off_in_evaluation():
    model = net(nn.Dropout(0.5), Place(), nn.Linear(8, 8))
    PlacedNoise(model, Recipe(Dropout(0.5, scope={"names": ["1", "2"]})))
    model.eval()
    torch.testing.assert_close(model(ONES), model[2](ONES))


def test_a_module_named_by_scope_is_a_place():
    model = net(nn.Linear(8, 8), nn.ReLU())
    noise = PlacedNoise(model, Recipe(Dropout(0.5, scope={"modules": ["ReLU"]})))
    noise.set(DRAWS, 0.0)
    torch.testing.assert_close(model(ONES), model[0](ONES).relu() * mask("dropout:1:1", 0.5))


def test_a_scheduled_rate_moves():
    model = net(Place())
    noise = PlacedNoise(model, Recipe(Dropout(schedule(0.0, 0.8))))
    for progress in (0.0, 0.5, 1.0):
        noise.set(DRAWS, progress)
        torch.testing.assert_close(model(ONES), mask("dropout:0:1", 0.8 * progress))


def test_half_precision_stays():
    model = net(Place())
    noise = PlacedNoise(model, Recipe(Dropout(0.5)))
    noise.set(DRAWS, 0.0)
    assert model(ONES.bfloat16()).dtype == torch.bfloat16


def test_a_network_without_places_is_refused():
    with pytest.raises(ScopeError, match=r"dropout with scope 'all' finds no place in the network\. Put bridle\.Place"):
        PlacedNoise(net(nn.Linear(8, 2)), Recipe(Dropout(0.5)))


def test_names_that_match_nothing_are_refused():
    with pytest.raises(ScopeError, match=r"dropout with scope \{'names': 'head\.\*'\} finds no place"):
        PlacedNoise(net(Place()), Recipe(Dropout(0.5, scope={"names": "head.*"})))


def test_a_scope_of_weights_is_refused_for_noise():
    with pytest.raises(ScopeError, match=r'its scope must be "all" or name them.*got \'first_layer\'\.'):
        PlacedNoise(net(Place(), Place()), Recipe(Dropout(0.5, scope="first_layer")))


def test_a_module_that_gives_no_tensor_is_refused():
    model = net(nn.LSTM(8, 8))
    noise = PlacedNoise(model, Recipe(Dropout(0.5, scope={"names": "0"})))
    noise.set(DRAWS, 0.0)
    with pytest.raises(ScopeError, match=r"module '0' \(LSTM\) gives tuple\. Put bridle\.Place\(\) behind it"):
        model(torch.ones(2, 3, 8))
