"""Statistics that move after eval() are found; those that stand still pass."""

import torch
from torch import nn
from torch.nn import functional as F

from bridle.auditing.checks.batch_norm_in_evaluation import BatchNormInEvaluation
from bridle.records import Severity


class Normed(nn.Module):
    def __init__(self, told):
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.told = told
        self.register_buffer("running_mean", torch.zeros(3))
        self.register_buffer("running_var", torch.ones(3))

    def forward(self, inputs):
        training = self.training if self.told else True
        return F.batch_norm(self.layer(inputs), self.running_mean, self.running_var, training=training)


def test_statistics_that_move(observe):
    model = Normed(told=False)
    (finding,) = BatchNormInEvaluation().look(observe(model))
    assert finding.severity is Severity.ERROR
    assert finding.numbers["buffers"] == ["running_mean", "running_var"]
    torch.testing.assert_close(model.running_mean, torch.zeros(3))


def test_statistics_that_stand_still(observe):
    assert list(BatchNormInEvaluation().look(observe(Normed(told=True)))) == []
    whole = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3))
    assert list(BatchNormInEvaluation().look(observe(whole))) == []
