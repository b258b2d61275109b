import pytest
import torch
from torch import nn

from bridle.core import Place
from bridle.models import other_dropout, places, replace_dropout


def net() -> nn.Sequential:
    head = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 2))
    return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.2, inplace=True), nn.Dropout2d(0.3), head)


def test_plain_dropout_becomes_a_place_of_the_same_rate():
    model = net()
    assert replace_dropout(model) is model
    assert {name: place.rate for name, place in places(model).items()} == {"1": 0.2, "3.0": 0.5}
    assert {name: place.name for name, place in places(model).items()} == {"1": "1", "3.0": "3.0"}
    assert isinstance(model[2], nn.Dropout2d)


def test_the_network_without_noise_is_unchanged():
    model, x = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.2)).eval(), torch.ones(2, 3)
    expected = model(x)
    torch.testing.assert_close(replace_dropout(model)(x), expected)
    assert not model[1].training


def test_a_dropout_that_is_shared_stays_shared():
    shared = nn.Dropout(0.1)
    model = replace_dropout(nn.Sequential(shared, nn.Linear(2, 2), shared, nn.Sequential(shared)))
    assert model[0] is model[2] is model[3][0]
    assert list(places(model)) == ["0"]


def test_a_network_that_is_a_dropout_is_replaced_itself():
    place = replace_dropout(nn.Dropout(0.4))
    assert isinstance(place, Place)
    assert place.rate == 0.4


def test_other_dropout_is_named():
    class Own(nn.Dropout):
        pass

    model = nn.ModuleDict(
        {
            "spatial": nn.Dropout2d(0.3),
            "alpha": nn.AlphaDropout(0.1),
            "off": nn.Dropout1d(0.0),
            "own": Own(0.2),
            "attention": nn.MultiheadAttention(4, 2, dropout=0.1),
            "lstm": nn.LSTM(3, 4, num_layers=2, dropout=0.1),
            "gru": nn.GRU(3, 4),
        }
    )
    assert other_dropout(replace_dropout(model)) == {
        "spatial": "Dropout2d",
        "alpha": "AlphaDropout",
        "own": "Own",
        "attention": "MultiheadAttention",
        "lstm": "LSTM",
    }


def test_a_network_without_dropout_has_no_places():
    assert places(nn.Linear(2, 2)) == {}


@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_a_place_lets_everything_through_by_itself(rate):
    x = torch.ones(3, 4)
    assert replace_dropout(nn.Sequential(nn.Dropout(rate)))(x) is x
