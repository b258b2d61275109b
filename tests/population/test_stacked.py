"""A module called with the weights of many members, against torch's functional call."""

import torch
from torch import nn
from torch.func import functional_call, stack_module_state

from bridle.population.stacked import StackedModule


class Tied(nn.Module):
    """Uses one weight twice, and counts its calls in a buffer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(self.second(torch.tanh(self.first(x))))


def test_outputs_gradients_and_buffers_are_those_of_each_alone():
    models = [Tied().double() for _ in range(3)]
    weights, buffers = stack_module_state(models)
    weights = {name: value.detach().requires_grad_() for name, value in weights.items()}
    buffers = {name: value.clone() for name, value in buffers.items()}
    inputs = torch.randn(3, 5, 4, dtype=torch.float64)
    stacked, seen = StackedModule(Tied().double()), []
    further = {"number": torch.arange(3)}
    output = stacked(weights | buffers, inputs, further, lambda given: seen.append(given["number"]), training=True)
    slopes = torch.autograd.grad(output.square().sum(), list(weights.values()))
    assert len(seen) == 1
    for row, model in enumerate(models):
        expected = model.train()(inputs[row])
        torch.testing.assert_close(output[row], expected)
        expected.square().sum().backward()
        for slope, (name, weight) in zip(slopes, model.named_parameters(), strict=True):
            torch.testing.assert_close(slope[row], weight.grad, msg=name)
        for name, buffer in model.named_buffers():
            torch.testing.assert_close(buffers[name][row], buffer)


def test_the_module_gets_its_own_weights_back():
    module = Tied()
    before = dict(module.named_parameters())
    stacked = StackedModule(module)
    own = {name: torch.zeros_like(value) for name, value in module.named_parameters()}
    x = torch.randn(5, 4)
    expected = functional_call(module.eval(), own, (x,))
    torch.testing.assert_close(stacked.alone(own, x), expected)
    assert all(module.get_parameter(name) is weight for name, weight in before.items())


def test_evaluation_mode_and_back():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    stacked = StackedModule(module)
    weights, buffers = stack_module_state([module, module])
    inputs = torch.randn(2, 3, 2)
    with torch.no_grad():
        first = stacked(weights | buffers, inputs, {}, lambda _: None, training=False)
        stacked({**weights, **{k: v.clone() for k, v in buffers.items()}}, inputs, {}, lambda _: None, training=True)
        again = stacked(weights | buffers, inputs, {}, lambda _: None, training=False)
    assert torch.equal(first, again)
