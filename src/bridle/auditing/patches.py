"""Functions of torch that are replaced during one run: to see backward passes and unscaling, to switch clipping off."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad
from torch.optim import Optimizer

from bridle.auditing.losses import first_loss, root_factor, within_backward
from bridle.auditing.trace import Plan, Trace, dense


@contextmanager
def replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    """Have another value under a name in here."""
    old = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, old)


@contextmanager
def no_clipping() -> Iterator[None]:
    """Clipping functions of torch's change nothing; the norm that they give is as it was."""
    with ExitStack() as stack:
        if hasattr(clip_grad, "_clip_grads_with_norm_"):
            stack.enter_context(replaced(clip_grad, "_clip_grads_with_norm_", lambda *_, **__: None))
        for holder in (clip_grad, nn.utils):
            stack.enter_context(replaced(holder, "clip_grad_value_", lambda *_, **__: None))
        yield


@contextmanager
def backward_passes(trace: Trace, held: list[Tensor]) -> Iterator[None]:
    """Note the losses that go backward to the optimizer's weights, up to the first time it is handed gradients.

    Args:
        trace: Takes them.
        held: The weights of the optimizer; a loss of other weights is not this optimizer's.
    """
    backward = torch.autograd.backward

    def noted(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if within_backward():
            return backward(tensors, *args, **kwargs)
        if _thrown_away(trace, held):
            trace.forget()
        loss, passes, weights = first_loss(tensors), _passes(trace, held), len(trace.data_weights)
        value, root = (None, 1.0) if loss is None else (float(loss.detach().double().sum()), root_factor(loss))
        found = backward(tensors, *args, **kwargs)
        if trace.evaluations or _passes(trace, held) == passes:
            del trace.data_weights[weights:]
        elif value is not None:
            trace.losses.append(value)
            trace.roots.append(root)
        return found

    autograd: Any = torch.autograd
    run = autograd._engine_run_backward  # what backward() and grad() both call

    def ran(outputs: Any, gradients: Any, retain: Any, create_graph: Any, *args: Any, **kwargs: Any) -> Any:
        trace.second_order = trace.second_order or bool(create_graph)
        return run(outputs, gradients, retain, create_graph, *args, **kwargs)

    with replaced(autograd, "backward", noted), replaced(autograd, "_engine_run_backward", ran):
        yield


def _passes(trace: Trace, held: list[Tensor]) -> int:
    return sum(trace.current.get(weight, 0) for weight in held)


def _thrown_away(trace: Trace, held: list[Tensor]) -> bool:
    """Whether the step has set the gradients to None or zero since its last backward pass."""

    def is_gone(weight: Tensor, version: int) -> bool:
        gradient = weight.grad
        return gradient is None or (gradient._version != version and not bool(dense(gradient).any()))

    versions = [(weight, trace.versions[weight]) for weight in held if weight in trace.versions]
    return bool(versions) and all(is_gone(weight, version) for weight, version in versions)


@contextmanager
def unscaling(optimizer: Optimizer, plan: Plan, trace: Trace) -> Iterator[None]:
    """Note the gradients again once a scaler has divided its factor out of them."""
    kind = torch.amp.GradScaler
    unscale = kind._unscale_grads_

    def noted(scaler: Any, which: Optimizer, inverse: Tensor, *args: Any, **kwargs: Any) -> Any:
        mine = which is optimizer and (plan.raw or not trace.evaluations)
        if mine and plan.watch:
            trace.clipped_scaled = _differ(trace.accumulated)
        found: Mapping[Any, Any] = unscale(scaler, which, inverse, *args, **kwargs)
        if mine:
            trace.scale = 1.0 / float(inverse)
            for weight in trace.accumulated:
                if weight.grad is not None:
                    trace.unscaled[weight] = dense(weight.grad)
        return found

    with replaced(kind, "_unscale_grads_", noted):
        yield


def _differ(gradients: Mapping[Tensor, Tensor]) -> bool:
    return any(
        weight.grad is not None and not torch.equal(dense(weight.grad), gradient)
        for weight, gradient in gradients.items()
    )
