"""Smoothing in the validation loss is found, and so is a log-loss beside smoothed training; plain losses pass."""

import pytest
from torch import nn

from bridle.auditing.checks.smoothed_targets import SmoothedTargets
from bridle.records import Severity


def observed_with(observe, linear, training, evaluation):
    observed = observe(linear)
    inputs, target = next(iter(observed.loader))

    def step():
        linear.train()
        nn.CrossEntropyLoss(label_smoothing=training)(linear(inputs), target).backward()
        linear.eval()
        nn.CrossEntropyLoss(label_smoothing=evaluation)(linear(inputs), target)

    observed.step = step
    return observed


@pytest.mark.parametrize(("evaluation", "severity"), [(0.1, Severity.WARNING), (0.0, Severity.INFO)])
def test_found(observe, linear, evaluation, severity):
    (finding,) = SmoothedTargets().look(observed_with(observe, linear, 0.1, evaluation))
    assert finding.severity is severity
    assert finding.numbers == {"training": 0.1, "evaluation": evaluation}


def test_passed(observe, linear):
    assert list(SmoothedTargets().look(observed_with(observe, linear, 0.0, 0.0))) == []
    assert list(SmoothedTargets().look(observe(linear, loss=nn.CrossEntropyLoss(label_smoothing=0.1)))) == []
