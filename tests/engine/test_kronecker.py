"""The factors of one layer against sums over examples and positions written out, and what is refused."""

import re

import pytest
import torch
from torch import nn

from bridle.engine.kronecker import Factors
from bridle.errors import ModelError


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def factors_of(model, name, inputs, gradient):
    """The factors after one forward pass and one gradient at the layer's output."""
    found = Factors(model, name)
    with found.watching():
        model(inputs)
    found.zero()
    found.add(gradient)
    return found


def test_a_linear_layer():
    model, inputs, gradient = nn.Linear(3, 2).double(), drawn(5, 3), drawn(5, 2, seed=1)
    found = factors_of(model, "weight", inputs, gradient)
    torch.testing.assert_close(found.inputs, sum(torch.outer(row, row) for row in inputs))
    torch.testing.assert_close(found.outputs, sum(torch.outer(row, row) for row in gradient))
    assert found.count == 5
    dense = torch.kron(found.outputs, found.inputs) / 5
    torch.testing.assert_close(found.eigenvalues().sort()[0], torch.linalg.eigvalsh(dense), atol=1e-10, rtol=1e-8)


def test_positions_of_a_sequence_are_inputs_of_their_own():
    model, inputs, gradient = nn.Linear(3, 2).double(), drawn(5, 4, 3), drawn(5, 4, 2, seed=1)
    found = factors_of(model, "weight", inputs, gradient)
    flat = factors_of(model, "weight", inputs.reshape(20, 3), gradient.reshape(20, 2))
    torch.testing.assert_close(found.inputs, flat.inputs)
    torch.testing.assert_close(found.outputs, flat.outputs)
    assert found.count == flat.count == 20


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 3},
        {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 2)},
        {"kernel_size": 3, "dilation": 2, "padding": "same"},
        {"kernel_size": 2, "padding": "same"},
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_a_convolution_is_a_linear_layer_on_its_patches(settings):
    model, inputs = nn.Conv2d(2, 3, bias=False, **settings).double(), drawn(4, 2, 6, 7)
    output = model(inputs)
    gradient = drawn(*output.shape, seed=1)
    found = factors_of(model, "weight", inputs, gradient)
    # What a patch is says the derivative of an output in the kernel.
    patches = torch.stack(
        [
            torch.autograd.grad(model(inputs)[example, 0, row, column], model.weight)[0][0].flatten()
            for example in range(4)
            for row in range(output.shape[2])
            for column in range(output.shape[3])
        ]
    )
    torch.testing.assert_close(found.inputs, patches.T @ patches)
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, 3)
    torch.testing.assert_close(found.outputs, rows.T @ rows)
    assert found.count == len(patches)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.Conv2d(2, 2, 3, groups=2), "Conv2d"),
        (nn.Conv2d(2, 2, 3, padding_mode="reflect"), "Conv2d"),
        (nn.ConvTranspose2d(2, 2, 3), "ConvTranspose2d"),
        (nn.Embedding(4, 2), "Embedding"),
        (nn.Bilinear(2, 2, 2), "Bilinear"),
    ],
)
def test_other_layers_are_refused(layer, named):
    message = (
        f"0.weight belongs to {named}; the curvature is known of nn.Linear and of nn.Conv2d without groups that pads "
        "with zeros. Leave it out of the scope, or choose its strength by cross-validation."
    )
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        Factors(nn.Sequential(layer), "0.weight")


def test_a_shared_weight_is_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    with pytest.raises(
        ModelError, match=r"^0\.weight and 1\.weight are one weight: the curvature of shared weights is"
    ):
        Factors(model, "0.weight")


@pytest.mark.parametrize(
    ("forward", "times"), [(lambda layer, x: layer(layer(x)), 2), (lambda layer, x: x @ layer.weight, 0)]
)
def test_a_layer_that_is_not_called_once_is_refused(forward, times):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return forward(self.layer, x)

    model = Net()
    found = Factors(model, "layer.weight")
    with found.watching():
        model(torch.ones(2, 3))
    with pytest.raises(ModelError, match=rf"^The layer of layer\.weight was called {times} times in one forward pass"):
        found.zero()


def test_the_hook_is_gone_afterwards():
    model = nn.Linear(3, 3)
    with Factors(model, "weight").watching():
        assert model._forward_hooks
    assert not model._forward_hooks
