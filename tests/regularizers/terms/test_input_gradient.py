"""The input gradient against torch's exact Jacobian."""

import pytest
import torch
from torch import nn

from bridle.core import Draws, Forward
from bridle.core.draws import seeded
from bridle.errors import DialError
from bridle.regularizers.terms import InputGradient
from bridle.testing import material

CPU = torch.device("cpu")


@pytest.fixture
def net():
    with seeded("input gradient"):
        return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 4)).double()


def forward(net, rows=6):
    inputs = material.normal("inputs", rows, 5, device=CPU).requires_grad_()
    return Forward(inputs, net(inputs))


def exact(net, seen):
    """Half the squared Frobenius norm of each example's Jacobian."""
    jacobians = torch.func.vmap(torch.func.jacrev(net))(seen.inputs)
    return jacobians.square().sum((1, 2)) / 2


def test_its_mean_over_draws_is_the_exact_norm(net):
    seen = forward(net)
    values = torch.stack([InputGradient(0.3).per_example(seen, Draws(0, 0, step)).detach() for step in range(4000)])
    error = values.std(0) / 4000**0.5
    assert ((values.mean(0) - 0.3 * exact(net, seen).detach()).abs() < 5 * error).all()
    assert (error < 0.03 * values.mean(0)).all()


def test_for_one_number_it_is_exact_and_so_is_its_gradient(net):
    one = nn.Sequential(net[0], net[1], nn.Linear(7, 1).double())
    seen = forward(one)
    found = InputGradient(0.3).per_example(seen, Draws(0, 0, 0))
    expected = 0.3 * exact(one, seen)
    torch.testing.assert_close(found, expected)
    weights = [one[0].weight, one[2].weight]
    for ours, theirs in zip(
        torch.autograd.grad(found.mean(), weights), torch.autograd.grad(expected.mean(), weights), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_linear_network_has_the_norm_of_its_matrix():
    """With orthogonal rows of equal length every projection has the same norm: the estimate is exact."""
    weight = torch.linalg.qr(material.normal("rows", 5, 3, device=CPU)).Q.T * 2
    inputs = material.normal("inputs", 4, 5, device=CPU).requires_grad_()
    found = InputGradient(1.0).per_example(Forward(inputs, inputs @ weight.T), Draws(1, 2, 3))
    torch.testing.assert_close(found, (weight.square().sum() / 2).expand(4))


def test_pictures_and_outputs_of_more_dimensions():
    with seeded("conv"):
        conv = nn.Conv2d(2, 3, 3).double()
    inputs = material.normal("pictures", 4, 2, 5, 5, device=CPU).requires_grad_()
    values = InputGradient(1.0).per_example(Forward(inputs, conv(inputs)), Draws(0, 0, 0))
    assert values.shape == (4,)
    assert (values > 0).all()


def test_a_network_that_knows_its_inputs_as_codes_only_is_refused():
    codes = torch.ones(4, 5, requires_grad=True)
    table = nn.Embedding(3, 2)
    reason = InputGradient(1.0).refuses(Forward(codes, table(codes.long()).flatten(1)))
    assert reason.startswith("needs numbers as inputs, on which the output depends; the network has none.")
    assert InputGradient(1.0).refuses(Forward(torch.empty(0), table(codes.long()).flatten(1))) == reason
    assert InputGradient(1.0).refuses(Forward(codes, torch.ones(4, 2))) == reason
    assert InputGradient(1.0).refuses(Forward(codes, codes * 2)) == ""


def test_what_is_refused():
    with pytest.raises(DialError, match=r"InputGradient.strength must lie in \[0, inf\); got -0.1"):
        InputGradient(-0.1)
