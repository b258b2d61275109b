"""Scope: which weights a regularizer touches."""

import pytest
import torch
from torch import nn

from bridle.core.scope import NAMED, check_scope, parameters, resolve
from bridle.errors import ScopeError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Embedding(5, 4)
        self.conv = nn.Conv1d(4, 6, 3)
        self.norm = nn.BatchNorm1d(6)
        self.body = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.PReLU())
        self.memory = nn.LSTM(8, 3)
        self.attention = nn.MultiheadAttention(4, 2)
        self.mixing = nn.Parameter(torch.zeros(3, 3))
        self.gain = nn.Parameter(torch.ones(3))
        self.head = nn.Linear(8, 2)


MATRICES = [
    "mixing",
    "conv.weight",
    "body.0.weight",
    "memory.weight_ih_l0",
    "memory.weight_hh_l0",
    "attention.in_proj_weight",
    "attention.out_proj.weight",
    "head.weight",
]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("matrices", MATRICES),
        ("embeddings", ["codes.weight"]),
        ("norms", ["gain", "norm.weight", "body.1.weight", "body.2.weight"]),
        ("first_layer", ["mixing"]),
        ("last_layer", ["head.weight"]),
        ({"names": "body.*"}, ["body.0.weight", "body.0.bias", "body.1.weight", "body.1.bias", "body.2.weight"]),
        ({"names": ["head.weight", "conv.*"]}, ["conv.weight", "conv.bias", "head.weight"]),
        ({"modules": "Linear"}, ["body.0.weight", "head.weight"]),
        ({"modules": ["Linear", "Conv1d"]}, ["conv.weight", "body.0.weight", "head.weight"]),
        ({"modules": "Linear", "names": "*.bias"}, ["body.0.bias", "head.bias"]),
    ],
)
def test_scopes_are_resolved_by_module_and_shape(scope, expected):
    assert resolve(Net(), scope) == expected


def test_the_named_kinds_divide_all_weights():
    net = Net()
    kinds = [resolve(net, scope) for scope in ("matrices", "biases", "norms", "embeddings")]
    assert sorted(name for names in kinds for name in names) == sorted(resolve(net, "all"))
    assert set(resolve(net, "all")) == {name for name, _ in net.named_parameters()}


def test_biases_are_found_by_name():
    biases = resolve(Net(), "biases")
    assert biases
    assert all("bias" in name for name in biases)


def test_a_tied_weight_is_touched_once_under_its_first_name():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[1].weight = net[0].weight
    assert resolve(net, "matrices") == ["0.weight"]


def test_a_shared_module_is_touched_once():
    layer = nn.Linear(4, 4)
    assert resolve(nn.Sequential(layer, nn.ReLU(), layer), "all") == ["0.weight", "0.bias"]


def test_an_embedding_tied_to_a_head_stays_an_embedding():
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.codes = nn.Embedding(5, 4)
            self.head = nn.Linear(4, 5, bias=False)
            self.head.weight = self.codes.weight

    assert resolve(Language(), "embeddings") == ["codes.weight"]


def test_frozen_weights_are_left_out():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[0].weight.requires_grad_(False)
    assert resolve(net, "matrices") == ["1.weight"]
    assert "0.weight" not in parameters(net)


def test_a_scope_that_matches_nothing_lists_the_model():
    net = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(ScopeError) as error:
        resolve(net, {"names": "encoder.*"}, who="l2")
    assert str(error.value) == (
        "l2 with scope {'names': 'encoder.*'} matches no weight. The model has: 0.weight (matrices), 0.bias (biases)."
    )
    with pytest.raises(ScopeError, match=r"The model has: no trainable parameter\."):
        resolve(nn.ReLU(), "all")
    with pytest.raises(ScopeError, match=r"15\.weight \(matrices\) and 84 more\.$"):
        resolve(nn.Sequential(*(nn.Linear(2, 2, bias=False) for _ in range(100))), {"names": "encoder.*"})


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ("matrizes", r"L2.scope must be one of matrices, .*, or a mapping; got 'matrizes'\. Did you mean 'matrices'\?"),
        ("layers.0.weight", r"must be one of .* or a mapping; got 'layers.0.weight'\.$"),
        ({}, r"must be a name or a mapping with 'modules' .* and/or 'names' .*; got \{\}"),
        ({"module": "Linear"}, r"must be a name or a mapping"),
        (3, r"must be a name or a mapping .*; got 3"),
        (["matrices"], r"must be a name or a mapping"),
        ({"names": 3}, r"L2.scope must map each key to a text or a list of texts; got \{'names': 3\}"),
        ({"names": []}, r"must map each key to a text or a list of texts"),
        ({"modules": [nn.Linear]}, r"must map each key to a text or a list of texts"),
    ],
)
def test_what_is_no_scope_is_refused(scope, message):
    with pytest.raises(ScopeError, match=message):
        check_scope("L2.scope", scope)


@pytest.mark.parametrize("scope", [*NAMED, {"names": "a"}, {"modules": "Linear", "names": ("a", "b")}])
def test_scopes_are_kept(scope):
    assert check_scope("L2.scope", scope) == scope


def test_a_scope_does_not_follow_the_callers_mapping():
    given = {"names": ["a"]}
    kept = check_scope("L2.scope", given)
    given["names"].append("b")
    assert kept == {"names": ("a",)}
