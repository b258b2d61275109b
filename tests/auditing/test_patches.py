"""Replaced functions of torch, and that they are put back."""

import torch
from torch import nn
from torch.nn.utils import clip_grad
from torch.optim import SGD

from bridle.auditing.patches import backward_passes, no_clipping, unscaling
from bridle.auditing.trace import Plan, Trace


def weight_with(gradient):
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor(gradient)
    return weight


def test_clipping_does_nothing_and_gives_the_norm():
    weight = weight_with([3.0, 4.0])
    with no_clipping():
        assert nn.utils.clip_grad_norm_([weight], 1.0).item() == 5.0
        nn.utils.clip_grad_value_([weight], 0.1)
        clip_grad.clip_grad_value_([weight], 0.1)
        assert weight.grad.tolist() == [3.0, 4.0]
    nn.utils.clip_grad_value_([weight], 1.0)
    assert weight.grad.tolist() == [1.0, 1.0]


def passes(trace, held, *losses, between=lambda: None):
    """Backward passes as a probe sees them."""

    def note(weight):
        trace.current[weight] = trace.current.get(weight, 0) + 1
        trace.versions[weight] = weight.grad._version

    hooks = [one.register_post_accumulate_grad_hook(note) for one in held]
    with backward_passes(trace, held):
        for loss in losses:
            loss().backward()
            between()
    for hook in hooks:
        hook.remove()
    assert torch.autograd.backward.__name__ == "backward"


def test_losses_and_their_factors():
    weight, other, trace = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2)), Trace()
    passes(trace, [weight], lambda: weight.sum() / 4, lambda: other.sum(), lambda: (weight * 3).sum())
    assert (trace.losses, trace.roots) == ([0.5, 6.0], [0.25, 1.0])


def test_losses_after_the_optimizer_was_called_are_not_noted():
    weight, trace = nn.Parameter(torch.ones(2)), Trace(evaluations=1)
    passes(trace, [weight], lambda: weight.sum())
    assert trace.losses == []


def test_passes_whose_gradients_are_thrown_away_are_forgotten():
    weight = nn.Parameter(torch.ones(2))

    def to_zero():
        weight.grad.zero_()

    def to_none():
        weight.grad = None

    def scale():
        weight.grad.mul_(0.5)

    for between, losses in ((to_zero, [4.0]), (to_none, [4.0]), (scale, [2.0, 4.0]), (lambda: None, [2.0, 4.0])):
        weight.grad, trace = None, Trace()
        passes(trace, [weight], lambda: weight.sum(), lambda: 2 * weight.sum(), between=between)
        assert trace.losses == losses
    weight.grad, trace = None, Trace()
    passes(trace, [weight], lambda: 0 * weight.sum(), lambda: 2 * weight.sum())
    assert trace.losses == [0.0, 4.0]  # a gradient of zeros was not thrown away


def test_gradients_with_a_graph_of_their_own():
    weight, before = nn.Parameter(torch.ones(2)), torch.autograd._engine_run_backward
    for graph in (False, True):
        trace = Trace()
        with backward_passes(trace, [weight]):
            torch.autograd.grad(weight.pow(3).sum(), weight, create_graph=graph)
        assert trace.second_order is graph
    assert torch.autograd._engine_run_backward is before


def scaled(trace, plan, clip=None, mine=True):
    weight, other = weight_with([8.0, 8.0]), weight_with([8.0, 8.0])
    optimizer, another = SGD([weight], 0.1), SGD([other], 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(torch.ones(()))
    trace.accumulated[weight] = weight.grad.clone()
    with unscaling(optimizer, plan, trace):
        if clip is not None:
            nn.utils.clip_grad_value_([weight], clip)
        scaler.unscale_(optimizer if mine else another)
    assert torch.amp.GradScaler._unscale_grads_.__name__ == "_unscale_grads_"
    return weight, trace


def test_unscaled_gradients():
    weight, trace = scaled(Trace(), Plan(watch=True))
    assert trace.scale == 4.0
    assert trace.unscaled[weight].tolist() == [2.0, 2.0]
    assert trace.clipped_scaled is False
    assert scaled(Trace(), Plan(watch=True), clip=1.0)[1].clipped_scaled is True


def test_unscaling_of_another_optimizer_or_later_is_not_noted():
    assert scaled(Trace(), Plan(watch=True), mine=False)[1].unscaled == {}
    assert scaled(Trace(evaluations=1), Plan(watch=True))[1].unscaled == {}
    assert len(scaled(Trace(evaluations=1), Plan(raw=True))[1].unscaled) == 1
