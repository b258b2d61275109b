"""An evaluation that forgot eval() is found; one that did not passes, and so does recomputing statistics."""

import torch
from torch import nn
from torch.nn import functional as F

from bridle.auditing.checks.training_mode_in_evaluation import TrainingModeInEvaluation
from bridle.auditing.watch import Watch
from bridle.auditing.witnessed import Witnessed


def observed_after(observe, between):
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    observed = observe(model)
    observed.witnessed = Witnessed()
    inputs, target = next(iter(observed.loader))
    with Watch(observed.witnessed):
        F.cross_entropy(model(inputs), target).backward()
        between(model)
        with torch.no_grad():
            model(inputs)
    return observed


def test_eval_forgotten(observe):
    (finding,) = TrainingModeInEvaluation().look(observed_after(observe, nn.Module.requires_grad_))
    assert finding.numbers == {"calls": 1, "dropouts": 1, "norms": 1}
    assert "Write model.eval() before the evaluation" in finding.message


def test_eval_called(observe):
    assert list(TrainingModeInEvaluation().look(observed_after(observe, lambda model: model.eval()))) == []


def test_statistics_recomputed(observe):
    def recompute(model):
        model[1].momentum = None

    assert list(TrainingModeInEvaluation().look(observed_after(observe, recompute))) == []
