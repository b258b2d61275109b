"""Decay on biases, norms and embeddings is found and counted by kind; two groups pass."""

import torch
from torch import nn

from bridle.auditing.checks.declared_decay import DeclaredDecay
from bridle.auditing.observed import Observed
from bridle.records import Ledger


def model():
    return nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 3))


def test_everything_decayed():
    whole = model()
    optimizer = torch.optim.AdamW(whole.parameters(), weight_decay=0.1)
    (finding,) = DeclaredDecay().look(Observed(whole, optimizer, None))
    assert finding.numbers == {"weight_decay": 0.1, "embeddings": 1, "norms": 1, "biases": 2}
    assert "weight_decay=0.1 also covers 1 embeddings (such as 0.weight)" in finding.message


def test_two_groups():
    whole = model()
    others = [weight for name, weight in whole.named_parameters() if name != "2.weight"]
    groups = [{"params": [whole[2].weight], "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    assert list(DeclaredDecay().look(Observed(whole, torch.optim.AdamW(groups), None))) == []


def test_a_measured_step_is_left_to_the_ledger():
    whole = model()
    optimizer = torch.optim.AdamW(whole.parameters(), weight_decay=0.1)
    assert list(DeclaredDecay().look(Observed(whole, optimizer, None, ledger=Ledger((), "AdamW")))) == []
