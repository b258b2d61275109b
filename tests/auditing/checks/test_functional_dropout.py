"""Functional dropout that ignores eval() is found by its caller and rate; the one that is told passes."""

import pytest
from torch import nn
from torch.nn import functional as F

from bridle.auditing.checks.functional_dropout import FunctionalDropout
from bridle.auditing.checks.noise_in_evaluation import NoiseInEvaluation
from bridle.records import Severity


class Dropped(nn.Module):
    def __init__(self, told):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.told = told

    def forward(self, inputs):
        return self.layer(F.dropout(inputs, 0.3, training=self.training if self.told else True))


class Attending(Dropped):
    def forward(self, inputs):
        query = inputs.unsqueeze(1)
        rate = 0.2 if self.training or not self.told else 0.0
        return self.layer(F.scaled_dot_product_attention(query, query, query, dropout_p=rate).squeeze(1))


def test_dropout(observe):
    observed = observe(Dropped(told=False))
    (finding,) = FunctionalDropout().look(observed)
    assert finding.severity is Severity.ERROR
    assert (finding.numbers["rate"], finding.numbers["owner"]) == (0.3, "Dropped")
    assert finding.numbers["difference"] > 0.01
    assert "F.dropout(x, rate, training=self.training)" in finding.message
    assert list(NoiseInEvaluation().look(observed)) == []


def test_attention(observe):
    (finding,) = FunctionalDropout().look(observe(Attending(told=False)))
    assert finding.numbers["rate"] == 0.2
    assert "dropout_p=rate if self.training else 0.0" in finding.message


@pytest.mark.parametrize("kind", [Dropped, Attending])
def test_dropout_that_is_told(observe, kind):
    assert list(FunctionalDropout().look(observe(kind(told=True)))) == []
