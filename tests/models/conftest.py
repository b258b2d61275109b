"""What the tests of the default nets share."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from bridle.models import Inputs, build


@pytest.fixture
def assert_stacks() -> Callable[[Callable[..., nn.Module], Inputs, Tensor], None]:
    """Outputs, gradients and buffers of three nets in one stack equal those of each alone, in float64."""

    def check(factory: Callable[..., nn.Module], inputs: Inputs, x: Tensor) -> None:
        nets = [build(factory, inputs, seed).double() for seed in range(3)]
        for index, net in enumerate(nets):
            for weight in net.parameters():
                weight.data.add_(0.01 * index)
        count = x.shape[1] * inputs.outputs
        target = torch.linspace(-1, 1, count, dtype=torch.float64).reshape(-1, inputs.outputs)

        def loss(weights, buffers, batch):
            output = functional_call(nets[0], (weights, buffers), (batch,))
            return (output - target).square().sum(), output

        weights, buffers = stack_module_state(nets)
        gradients, outputs = vmap(grad(loss, has_aux=True))(weights, buffers, x)
        for member, net in enumerate(nets):
            output = net(x[member])
            torch.testing.assert_close(outputs[member], output, rtol=1e-9, atol=1e-9)
            (output - target).square().sum().backward()
            for name, weight in net.named_parameters():
                torch.testing.assert_close(gradients[name][member], weight.grad, rtol=1e-8, atol=1e-8)
            for name, buffer in net.named_buffers():
                torch.testing.assert_close(buffers[name][member], buffer)

    return check
