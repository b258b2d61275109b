"""The losses of many members against torch's, one member at a time."""

import torch
from torch.nn import functional

from bridle.population.losses import cross_entropy, probabilities, squared_error


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_cross_entropy_with_soft_targets_and_its_gradient():
    output, target = draw(3, 7, 5).requires_grad_(), draw(3, 7, 5, seed=1).softmax(2)
    expected = torch.stack(
        [functional.cross_entropy(*pair, reduction="none") for pair in zip(output, target, strict=True)]
    )
    found = cross_entropy(output, target)
    torch.testing.assert_close(found, expected)
    (mine,), (other,) = (torch.autograd.grad(loss.square().sum(), output) for loss in (found, expected))
    torch.testing.assert_close(mine, other)


def test_squared_error():
    output, target = draw(3, 7, 1), draw(3, 7, 1, seed=1)
    expected = functional.mse_loss(output, target, reduction="none")[:, :, 0]
    torch.testing.assert_close(squared_error(output, target), expected)


def test_probabilities_are_the_softmax_in_float64():
    output = draw(3, 7, 5).float()
    torch.testing.assert_close(probabilities(output), output.double().softmax(2))
