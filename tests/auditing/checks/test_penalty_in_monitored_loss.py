"""A penalty added to the loss of an evaluation is found; added in training only, it passes."""

import pytest
import torch
from torch.nn import functional as F

from bridle.auditing.checks.penalty_in_monitored_loss import PenaltyInMonitoredLoss
from bridle.records import Severity


def observed_with(observe, model, everywhere):
    observed = observe(model)

    def loss(batch, penalised):
        data = F.cross_entropy(model(batch[0]), batch[1])
        return data + 0.01 * sum(weight.pow(2).sum() for weight in model.parameters()) if penalised else data

    def step(batch):
        model.train()
        loss(batch, True).backward()
        model.eval()
        with torch.no_grad():
            loss(batch, everywhere)

    observed.step = step
    return observed


def test_found(observe, linear):
    (finding,) = PenaltyInMonitoredLoss().look(observed_with(observe, linear, True))
    penalty = 0.01 * sum(weight.pow(2).sum() for weight in linear.parameters())
    assert finding.severity is Severity.ERROR
    assert finding.numbers["penalty"] == pytest.approx(float(penalty.detach()))
    assert 0 < finding.numbers["loss"] < 3


def test_passed(observe, linear):
    assert list(PenaltyInMonitoredLoss().look(observed_with(observe, linear, False))) == []
