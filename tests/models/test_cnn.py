import pytest
import torch

from bridle.models import Inputs, build, cnn, places
from bridle.records import Kind


def images(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_stack_equals_each_alone(assert_stacks):
    assert_stacks(cnn, Inputs(Kind.IMAGE, (2, 8, 8), 3), images(3, 4, 2, 8, 8))


@pytest.mark.parametrize("side", [1, 4, 8, 28, 32, 64, 96])
def test_it_fits_any_side(side):
    inputs = Inputs(Kind.IMAGE, (1, side, side), 10)
    assert build(cnn, inputs, seed=0)(torch.zeros(2, 1, side, side)).shape == (2, 10)


def test_it_fits_images_that_are_not_square():
    inputs = Inputs(Kind.IMAGE, (3, 20, 48), 4)
    assert build(cnn, inputs, seed=0)(torch.zeros(2, 3, 20, 48)).shape == (2, 4)


def test_channels_last_gives_the_same():
    model = build(cnn, Inputs(Kind.IMAGE, (3, 16, 16), 4), seed=0).double()
    x = images(5, 3, 16, 16)
    expected = model(x)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(x.to(memory_format=torch.channels_last)), expected)


def test_noise_has_a_place_after_every_stage_and_before_the_head():
    model = build(cnn, Inputs(Kind.IMAGE, (1, 28, 28), 10), seed=0)
    names = list(places(model))
    assert names[-1] == "place"
    assert len(names) >= 3


def test_every_weight_gets_a_gradient():
    model = build(cnn, Inputs(Kind.IMAGE, (1, 8, 8), 10), seed=0)
    model(images(16, 1, 8, 8).float()).logsumexp(dim=1).sum().backward()
    assert [name for name, weight in model.named_parameters() if not weight.grad.any()] == []
