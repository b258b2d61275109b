"""Runs something and puts weights, buffers, modes and random states back as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer


@contextmanager
def draws_kept() -> Iterator[None]:
    """Put the random states of Python, NumPy (the global one) and torch back at the end."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's code may draw from it
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002 - as above


@contextmanager
def model_kept(model: nn.Module) -> Iterator[None]:
    """Put modes, weights, gradients and buffers of ``model``, and the random states, back at the end."""
    modes = [(module, module.training) for module in model.modules()]
    held: list[Tensor] = [*model.parameters(), *model.buffers()]
    values = [tensor.detach().clone() for tensor in held]
    gradients = [(weight, weight.grad, _copy(weight.grad)) for weight in model.parameters()]
    try:
        with draws_kept():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for tensor, value in zip(held, values, strict=True):
                tensor.copy_(value)
            for weight, gradient, value in gradients:
                weight.grad = gradient if gradient is None or value is None else gradient.copy_(value)


@contextmanager
def training_kept(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Put the optimizer's state and groups back at the end, too."""
    states = {
        weight: {name: (value, _copy(value)) for name, value in state.items()}
        for weight, state in optimizer.state.items()
    }
    groups = [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]
    try:
        with model_kept(model):
            yield
    finally:
        for weight in list(optimizer.state):
            if weight not in states:
                del optimizer.state[weight]
                continue
            optimizer.state[weight] = {name: _back(*pair) for name, pair in states[weight].items()}
        for group, values in zip(optimizer.param_groups, groups, strict=True):
            group.update(values)


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _back(value: Any, copy: Any) -> Any:
    return value.copy_(copy) if isinstance(value, Tensor) and isinstance(copy, Tensor) else value
