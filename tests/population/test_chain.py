"""Plain chains of layers, against the same networks called one by one."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from bridle.core import Place
from bridle.population.chain import ELEMENTWISE, call, chain_of
from bridle.population.stacked import StackedModule


def plain():
    return nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(6, 5), nn.ReLU(), Place()),
        nn.Linear(5, 5, bias=False),
        nn.Tanh(),
        nn.ReLU(),
        nn.Linear(5, 2),
    ).double()


def stacked(make, count=3):
    models = [make() for _ in range(count)]
    weights, buffers = stack_module_state(models)
    assert not buffers
    return models, {name: value.detach().requires_grad_() for name, value in weights.items()}


def test_outputs_and_gradients_are_those_of_each_alone():
    models, weights = stacked(plain)
    inputs = torch.randn(3, 4, 2, 3, dtype=torch.float64)
    output = call(chain_of(plain()), weights, inputs)
    slopes = torch.autograd.grad(output.square().sum(), list(weights.values()))
    for row, model in enumerate(models):
        expected = model(inputs[row])
        torch.testing.assert_close(output[row], expected)
        expected.square().sum().backward()
        for slope, (name, weight) in zip(slopes, model.named_parameters(), strict=True):
            torch.testing.assert_close(slope[row], weight.grad, msg=name)


@pytest.mark.parametrize("layer", [kind for kind in ELEMENTWISE if kind is not Place])
def test_every_elementwise_layer(layer):
    models, weights = stacked(lambda: nn.Sequential(nn.Linear(3, 4), layer(), nn.Linear(4, 2)))
    inputs = torch.randn(3, 5, 3)
    output = call(chain_of(models[0]), weights, inputs)
    for row, model in enumerate(models):
        torch.testing.assert_close(output[row], model(inputs[row]))


def test_a_weight_that_is_used_twice():
    def make():
        model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
        model[2].weight = model[0].weight
        return model

    model = make()
    weights = {name: torch.randn(2, *value.shape) for name, value in model.named_parameters()}
    inputs = torch.randn(2, 5, 4)
    output = call(chain_of(model), weights, inputs)
    for row in range(2):
        own = {name: value[row] for name, value in weights.items()}
        torch.testing.assert_close(output[row], functional_call(model, own, (inputs[row],)))


class Forward(nn.Sequential):
    def forward(self, x):
        return super().forward(x) * 2


def hooked():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].register_forward_hook(lambda _module, _inputs, output: output * 2)
    return model


@pytest.mark.parametrize(
    "model",
    [
        Forward(nn.Linear(2, 2)),
        hooked(),
        nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)),
        nn.Sequential(nn.Linear(2, 2), nn.Softmax(1)),
        nn.Sequential(nn.Linear(2, 2), nn.Flatten()),
        nn.Sequential(nn.Flatten(0, 1), nn.Linear(2, 2)),
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))),
        nn.Sequential(),
        nn.Bilinear(2, 2, 2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_anything_else_is_no_chain(model):
    assert chain_of(model) is None


def test_without_flattening_inputs_of_more_axes_go_the_other_way():
    models, weights = stacked(lambda: nn.Sequential(nn.Linear(3, 2), nn.Tanh()))
    inputs = torch.randn(3, 5, 7, 3)
    output = StackedModule(models[0], separable=True)(weights, inputs, {}, lambda _: None, training=True)
    for row, model in enumerate(models):
        torch.testing.assert_close(output[row], model(inputs[row]))


def test_numbers_of_each_member_meet_its_activations():
    models, weights = stacked(lambda: nn.Sequential(nn.Linear(3, 2), Place()))
    inputs, told = torch.randn(3, 5, 3), {}
    for place in (models[0][1],):
        place.perturb = lambda x, _name: x * told["factor"] + told["uniforms"]
    further = {"factor": torch.tensor([1.0, 2.0, 3.0]), "uniforms": torch.rand(3, 5, 2)}
    output = StackedModule(models[0], separable=True)(weights, inputs, further, told.update, training=True)
    for row, model in enumerate(models):
        expected = model[0](inputs[row]) * (row + 1.0) + further["uniforms"][row]
        torch.testing.assert_close(output[row], expected)
