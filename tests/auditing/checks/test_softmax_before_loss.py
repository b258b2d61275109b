"""Probabilities given to a loss on logits are found, whatever the loss; logits and log-probabilities pass."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bridle.auditing.checks.softmax_before_loss import SoftmaxBeforeLoss
from bridle.records import Severity


def binary(scores, target):
    return F.binary_cross_entropy_with_logits(scores, F.one_hot(target, 3).float())


WRONG = {
    "cross_entropy": (nn.Softmax(1), nn.CrossEntropyLoss(), "takes the softmax of a softmax"),
    "nll_loss": (nn.Softmax(1), nn.NLLLoss(), "nll_loss expects log-probabilities and was given probabilities"),
    "binary_cross_entropy_with_logits": (nn.Sigmoid(), binary, "takes the sigmoid twice"),
}
RIGHT = [
    (nn.Identity(), nn.CrossEntropyLoss()),
    (nn.ReLU(), nn.CrossEntropyLoss()),
    (nn.LogSoftmax(1), nn.NLLLoss()),
    (nn.Identity(), binary),
    (nn.ReLU(), binary),
    (nn.LogSoftmax(1), nn.CrossEntropyLoss()),
]


@pytest.mark.parametrize("function", WRONG)
def test_found(observe, linear, function):
    last, loss, text = WRONG[function]
    (finding,) = SoftmaxBeforeLoss().look(observe(nn.Sequential(linear, last), loss=loss))
    assert finding.severity is Severity.ERROR
    assert finding.numbers["loss"] == function
    assert finding.numbers["smallest"] >= 0
    assert text in finding.message


@pytest.mark.parametrize(("last", "loss"), RIGHT)
def test_passed(observe, linear, last, loss):
    assert list(SoftmaxBeforeLoss().look(observe(nn.Sequential(linear, last), loss=loss))) == []


def test_logits_given_as_log_probabilities(observe, linear):
    (finding,) = SoftmaxBeforeLoss().look(observe(linear, loss=nn.NLLLoss()))
    assert "numbers that are no log-probabilities" in finding.message


def test_images_have_their_classes_along_axis_1(observe):
    model = nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 3, 1), nn.Softmax(1))
    observed = observe(
        model, loss=lambda scores, target: F.cross_entropy(scores, target[:, None, None].expand(-1, 2, 3))
    )
    assert len(list(SoftmaxBeforeLoss().look(observed))) == 1
    assert torch.is_grad_enabled()
