import re

import pytest
import torch
from torch import nn

from bridle.errors import ModelError
from bridle.models import Inputs
from bridle.models.checks import check_output
from bridle.records import Kind

CLASSES = Inputs(Kind.TABLE, (4,), 10, continuous=4)
NUMBER = Inputs(Kind.TABLE, (4,), 1, continuous=4)


class Lambda(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.linear = nn.Linear(4, 10)
        self.function = function

    def forward(self, x):
        return self.function(self.linear(x))


@pytest.mark.parametrize("training", [True, False])
def test_a_network_that_fits_passes_and_keeps_its_mode(training):
    model = nn.Linear(4, 10).train(training)
    check_output(model, CLASSES, "make_net")
    assert model.training is training


def test_the_wrong_number_of_classes():
    message = (
        "make_net gave an output of shape (2, 3) for two examples but the data has 10 classes: (2, 10) is needed; "
        "end the network with nn.Linear(..., 10)."
    )
    with pytest.raises(ModelError, match=re.escape(message)):
        check_output(nn.Linear(4, 3), CLASSES, "make_net")


def test_a_number_needs_its_own_axis():
    model = nn.Sequential(nn.Linear(4, 1), nn.Flatten(0))
    message = "output of shape (2,) for two examples but the data asks for one number per example: (2, 1) is needed"
    with pytest.raises(ModelError, match=re.escape(message)):
        check_output(model, NUMBER, "make_net")


@pytest.mark.parametrize(
    ("squash", "name"),
    [
        (nn.Softmax(dim=1), "softmax"),
        (nn.Sigmoid(), "sigmoid"),
        (lambda x: nn.functional.softmax(x, 1), "softmax"),
        (torch.sigmoid, "sigmoid"),
    ],
)
def test_a_squashed_output_is_refused_unless_the_loss_is_the_users(squash, name):
    with pytest.raises(ModelError, match=f"ends in a {name}, but the loss expects logits, .*; leave the {name} out"):
        check_output(Lambda(squash), CLASSES, "make_net")
    check_output(Lambda(squash), CLASSES, "make_net", custom_loss=True)


def test_a_squashed_number_is_refused_too():
    with pytest.raises(ModelError, match="ends in a sigmoid, but the loss expects an unbounded number"):
        check_output(nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), NUMBER, "make_net")


def test_log_softmax_is_allowed_because_cross_entropy_leaves_it_unchanged():
    check_output(nn.Sequential(nn.Linear(4, 10), nn.LogSoftmax(1)), CLASSES, "make_net")


def test_an_output_that_is_no_tensor():
    with pytest.raises(ModelError, match="must give a network that returns one tensor; its forward returned tuple"):
        check_output(Lambda(lambda x: (x, x)), CLASSES, "make_net")


def test_an_output_of_whole_numbers():
    with pytest.raises(ModelError, match=re.escape("output of type torch.int64; floating-point numbers are needed")):
        check_output(Lambda(lambda x: x.long()), CLASSES, "make_net")


def test_nothing_to_train():
    with pytest.raises(ModelError, match="depends on no trainable weight: there is nothing to train"):
        check_output(nn.Linear(4, 10).requires_grad_(False), CLASSES, "make_net")


def test_a_forward_pass_that_fails_is_told_with_the_shape():
    message = r"make_net gave a network that fails on inputs of shape \(2, 4\): RuntimeError: mat1 and mat2"
    with pytest.raises(ModelError, match=message):
        check_output(nn.Linear(5, 10), CLASSES, "make_net")
