"""Smoothing in the validation loss is found, and so is a log-loss beside smoothed training; plain losses pass."""

import pytest
from torch import nn

from bridle.auditing.checks.smoothed_targets import SmoothedTargets
from bridle.records import Severity
from bridle.regularizers.targets import LabelSmoothing


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


def test_in_a_run_by_its_metric(observe, linear, own_run):
    run = own_run(LabelSmoothing(0.1))
    (finding,) = SmoothedTargets().look(observe(linear, run=run))
    assert finding.severity is Severity.INFO
    assert finding.numbers == {"training": 0.1, "metric": "log_loss"}
    assert "The recipe smooths its labels (0.1), and the run is judged by log_loss" in finding.message
    for other in (own_run(LabelSmoothing(0.1), of={"metric": "accuracy"}), own_run(LabelSmoothing(0.0)), own_run()):
        assert list(SmoothedTargets().look(observe(linear, run=other))) == []
