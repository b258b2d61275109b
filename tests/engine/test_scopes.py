"""Which modules a scope names."""

import pytest
from torch import nn

from bridle.core import Place
from bridle.engine.scopes import named


@pytest.fixture
def net():
    body = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), Place())
    return nn.ModuleDict({"body": body, "place": Place(), "head": nn.Linear(2, 1)})


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"names": "*"}, ["body.2", "place"]),
        ({"names": "body.*"}, ["body.2"]),
        ({"names": "body.0"}, ["body.0"]),
        ({"names": ["body.0", "head"]}, ["body.0", "head"]),
        ({"modules": "Linear"}, ["body.0", "head"]),
        ({"modules": ["ReLU", "Place"]}, ["body.1", "body.2", "place"]),
        ({"modules": "Linear", "names": "body.*"}, ["body.0"]),
        ({"names": "tail"}, []),
        ({"modules": "Tanh"}, []),
    ],
)
def test_places_come_first_then_modules(net, scope, expected):
    assert named(net, scope, ["body.2", "place"]) == expected
