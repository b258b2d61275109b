"""What an optimizer's decay amounts to, weight by weight."""

import pytest
import torch
from torch import nn

import bridle
from bridle.errors import ConventionError


def network():
    model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    return model


def noisy(model, optimizer, scale=1.0, steps=12_000):
    """Gradients ``w - 1 -+ noise``, the noise of another size for each weight: the loss is ``1/2 (w - 1)^2``."""
    noise = torch.tensor([[0.5, 2.0]], dtype=torch.float64)
    for step in range(steps):
        model.weight.grad = scale * (model.weight.detach() - 1 + noise * (1 if step % 2 else -1))
        optimizer.step()
    return model.weight.detach()


def test_adamw_stops_where_the_measured_strengths_put_the_minimum():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    weights = noisy(model, optimizer)
    measured = bridle.decay_strengths(model, optimizer)["weight"]
    torch.testing.assert_close(measured, 0.1 * torch.tensor([[0.5, 2.0]], dtype=torch.float64), rtol=0.02, atol=0.0)
    torch.testing.assert_close(weights, 1 / (1 + measured), rtol=0.002, atol=0.0)


def test_they_grow_with_the_gradients():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    noisy(model, optimizer, scale=10.0)
    measured = bridle.decay_strengths(model, optimizer)["weight"]
    torch.testing.assert_close(measured, torch.tensor([[0.5, 2.0]], dtype=torch.float64), rtol=0.02, atol=0.0)


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.Adam])
def test_a_decay_within_the_gradient_is_itself(make):
    model = network()
    optimizer = make(model.parameters(), lr=1e-3, weight_decay=0.1)
    noisy(model, optimizer, steps=2)
    expected = torch.full((1, 2), 0.1, dtype=torch.float64)
    torch.testing.assert_close(bridle.decay_strengths(model, optimizer)["weight"], expected)


def test_at_the_end_of_a_schedule():
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    noisy(model, optimizer, steps=2)
    before = bridle.decay_strengths(model, optimizer)["weight"]
    optimizer.param_groups[0]["lr"] = 0.0
    torch.testing.assert_close(bridle.decay_strengths(model, optimizer)["weight"], before)
    assert not before.requires_grad


def test_refusals():
    model = network()
    with pytest.raises(
        ConventionError, match=r"decay_strengths\(model, optimizer\) needs an optimizer of this model after"
    ):
        bridle.decay_strengths(model, torch.optim.AdamW(model.parameters()))
    with pytest.raises(ConventionError, match=r"knows SGD, Adam and AdamW without amsgrad; got RMSprop."):
        bridle.decay_strengths(model, torch.optim.RMSprop(model.parameters()))
    with pytest.raises(ConventionError, match=r"without amsgrad; got AdamW."):
        bridle.decay_strengths(model, torch.optim.AdamW(model.parameters(), amsgrad=True))
