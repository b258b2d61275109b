"""Gradients of penalties are noted with the factor that they have in the loss, and nothing is changed."""

from contextlib import nullcontext

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bridle.auditing.noted import Noted

INPUTS, TARGET = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3


def layer():
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def test_the_factor_of_a_penalty_in_the_loss():
    model, noted = layer(), Noted()
    square, size = model.weight.square().sum(), model.weight.abs().sum() + model.bias.square().sum()
    noted.penalty(square, nullcontext)
    noted.penalty(size, nullcontext)
    ((cross_entropy(model(INPUTS), TARGET) + 0.1 * square + 0.3 * size) / 2).backward()
    weight, bias = model.weight.detach(), model.bias.detach()
    torch.testing.assert_close(noted.penalties[model.weight], 0.1 * weight + 0.15 * weight.sign())
    torch.testing.assert_close(noted.penalties[model.bias], 0.3 * bias)
    assert noted.penalty_passes == {model.weight: 2, model.bias: 1}


def test_the_gradients_are_those_without_it():
    found = []
    for noted in (Noted(), None):
        model = layer()
        penalty = model.weight.square().sum()
        if noted is not None:
            noted.penalty(penalty, nullcontext)
        (cross_entropy(model(INPUTS), TARGET) + penalty).backward()
        found.append([weight.grad for weight in model.parameters()])
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_what_is_forgotten_is_noted_no_more():
    model, noted = layer(), Noted()
    loss, penalty = cross_entropy(model(INPUTS), TARGET), model.weight.square().sum()
    noted.loss(loss, 1)
    noted.penalty(penalty, nullcontext)
    following = noted.forget()
    (loss + penalty).backward()
    assert (noted.penalties, noted.data_weights, following.penalties) == ({}, [], {})


def test_rows_of_a_sum():
    model, noted = layer(), Noted()
    loss = cross_entropy(model(INPUTS), TARGET, reduction="sum")
    noted.loss(loss, len(INPUTS))
    (loss / 4).backward()
    torch.testing.assert_close(noted.data_weights, [torch.tensor(2.0)])


def test_its_own_pass_is_none_of_the_scripts():
    model, noted, within = layer(), Noted(), []

    class Alone:
        def __enter__(self):
            within.append("in")

        def __exit__(self, *_):
            within.append("out")

    penalty = model.weight.square().sum()
    noted.penalty(penalty, Alone)
    penalty.register_hook(lambda _: within.append("pass"))
    penalty.backward()
    assert within == ["in", "pass", "out", "pass"]


def test_clipped_twice():
    weight = nn.Parameter(torch.zeros(2))
    noted, steps = Noted(), [torch.tensor([4.0, 0.0]), torch.tensor([2.0, 0.0]), torch.tensor([1.0, 0.0])]
    noted.clip({weight: steps[0]}, {weight: steps[1]})
    noted.clip({weight: steps[1]}, {weight: steps[2]})
    weight.grad = steps[2].clone()
    assert dict(noted.unclipped())[weight] is steps[0]
    weight.grad += 1
    assert dict(noted.unclipped()) == {}


def test_a_penalty_without_the_scalers_factor():
    for scaled, expected in ((True, False), (False, True)):
        model, noted = layer(), Noted()
        loss, penalty = cross_entropy(model(INPUTS), TARGET), model.weight.square().sum()
        noted.penalty(penalty, nullcontext)
        ((loss + penalty) / 4 * 1024.0 if scaled else loss * 1024.0 + penalty).backward()
        assert not noted.unscaled
        noted.scale = 1024.0
        assert noted.unscaled is expected


class Square(torch.autograd.Function):
    """The squares of the first, with no gradient for the second."""

    @staticmethod
    def forward(context, weight, other):
        context.save_for_backward(weight)
        return weight.square().sum() + 0 * other.sum()

    @staticmethod
    def backward(context, factor):
        (weight,) = context.saved_tensors
        return 2 * factor * weight, None


def test_a_function_without_a_gradient_for_one_of_its_weights():
    model, noted = layer(), Noted()
    penalty = Square.apply(model.weight, model.bias)
    noted.penalty(penalty, nullcontext)
    (cross_entropy(model(INPUTS), TARGET) + penalty).backward()
    torch.testing.assert_close(noted.penalties, {model.weight: 2 * model.weight.detach()})


def test_hooks_of_weights_are_called_as_often_as_without_it():
    model, noted, calls = layer(), Noted(), []
    model.weight.register_hook(calls.append)
    for penalty in (model.weight.square().sum(), model.weight.square().sum() + model.bias.square().sum()):
        noted.penalty(penalty, nullcontext)
        (cross_entropy(model(INPUTS), TARGET) + penalty).backward()
    assert len(calls) == 2
    assert list(noted.penalties) == [model.bias]


def test_gradients_that_were_zeroed_are_noted_no_more():
    for zeroed in (None, torch.zeros(3, 4)):
        model, noted = layer(), Noted()
        for _ in range(2):
            model.weight.grad = zeroed if zeroed is None else zeroed.clone()
            loss, penalty = cross_entropy(model(INPUTS), TARGET), model.weight.square().sum()
            noted.loss(loss, 1)
            noted.penalty(penalty, nullcontext)
            noted.goes_backward(0.5)
            ((loss + penalty) / 2).backward()
        torch.testing.assert_close(noted.penalties[model.weight], model.weight.detach())
        assert (noted.passes, noted.penalty_passes, noted.roots) == (1, {model.weight: 1}, [0.5])
        assert (noted.data_weights, noted.factors) == ([0.5], [0.5])


def test_many_micro_batches_under_a_small_scale():
    for scaled in (True, False):
        model, noted = layer(), Noted(scale=128.0)
        for _ in range(16):
            loss, penalty = cross_entropy(model(INPUTS), TARGET), model.weight.square().sum()
            noted.loss(loss, 1)
            noted.penalty(penalty, nullcontext)
            noted.goes_backward(1.0)
            ((loss + penalty) / 16 * 128.0 if scaled else (loss * 128.0 + penalty) / 16).backward()
        assert noted.unscaled is not scaled


def test_passes_that_add_up():
    model, noted = layer(), Noted()
    for _ in range(2):
        penalty = model.weight.square().sum()
        noted.penalty(penalty, nullcontext)
        noted.goes_backward(1.0)
        (cross_entropy(model(INPUTS), TARGET) + penalty).backward()
    assert (noted.passes, noted.penalty_passes, noted.roots) == (2, {model.weight: 2}, [1.0, 1.0])
