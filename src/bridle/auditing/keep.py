"""What values were, and how they become that again: the same objects with the same bits."""

import random
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

Restore: TypeAlias = Callable[[], object]


def keep(value: Any, seen: dict[int, Any], *, data: bool = True) -> list[Restore]:
    """How to restore a tensor, or what is in a dict, a list, a deque or a set, at any depth; nothing for the rest.

    Args:
        value: What is to be kept.
        seen: What was kept before, by ``id``; it holds the objects so that an ``id`` stays theirs.
        data: Whether tensors that require no gradient are kept, too; a user's data is not.
    """
    if id(value) in seen:
        return []
    seen[id(value)] = value
    if isinstance(value, Tensor):
        return _tensor(value, seen) if data or (value.requires_grad and value.is_leaf) else []
    if isinstance(value, dict):
        inner = [restore for item in list(value.values()) for restore in keep(item, seen, data=data)]
        return [_contents(value, dict(value), value.update), *inner]
    if isinstance(value, list | deque):
        inner = [restore for item in list(value) for restore in keep(item, seen, data=data)]
        return [_contents(value, list(value), value.extend), *inner]
    if isinstance(value, tuple):
        return [restore for item in value for restore in keep(item, seen, data=data)]
    return [_contents(value, set(value), value.update)] if isinstance(value, set) else []


def _contents(container: Any, held: Any, refill: Callable[[Any], object]) -> Restore:
    def restore() -> None:
        container.clear()
        refill(held)

    return restore


def _tensor(tensor: Tensor, seen: dict[int, Any]) -> list[Restore]:
    if not tensor.is_leaf:  # a result of the graph: the reference to it is restored, nobody writes into it
        return []
    storage, bits, needs = tensor.data, tensor.detach().clone(), tensor.requires_grad
    gradient = tensor.grad
    seen[id(storage)] = storage

    def restore() -> None:
        tensor.requires_grad_(needs)
        tensor.data = storage
        with torch.no_grad():
            storage.copy_(bits)
        tensor.grad = gradient

    return [restore, *([] if gradient is None else keep(gradient, seen))]


def keep_generator(value: Any) -> list[Restore]:
    """How to restore a random generator of torch, NumPy or Python; nothing for anything else."""
    if isinstance(value, torch.Generator):
        state = value.get_state()
        return [lambda: value.set_state(state)]
    if isinstance(value, np.random.Generator):
        bits = value.bit_generator.state
        return [lambda: setattr(value.bit_generator, "state", bits)]
    if isinstance(value, np.random.RandomState):
        old = value.get_state()
        return [lambda: value.set_state(old)]
    if isinstance(value, random.Random):
        drawn = value.getstate()
        return [lambda: value.setstate(drawn)]
    return []


def keep_random_states() -> list[Restore]:
    """How to restore the global generators of Python, NumPy and torch, on the processor and on CUDA devices."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return [
        lambda: random.setstate(python),
        lambda: np.random.set_state(numpy),  # noqa: NPY002
        lambda: torch.set_rng_state(cpu),
        *([lambda: torch.cuda.set_rng_state_all(devices)] if devices else []),
    ]
