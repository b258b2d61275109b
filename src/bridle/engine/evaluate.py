"""Clean evaluation: augmentation and noise off, averaged weights where there is averaging."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridle.engine.batch_norm import recompute, tracking
from bridle.engine.examples import Examples
from bridle.engine.losses import wide
from bridle.records import Task

Autocast: TypeAlias = Callable[[], AbstractContextManager[object]]
"""Makes the context of a forward pass."""

BLOCK = 1024
"""Rows per forward pass of an evaluation."""


@torch.no_grad()
def outputs(model: nn.Module, examples: Examples, rows: NDArray[np.int64], autocast: Autocast) -> Tensor:
    """The model's outputs ``(B, outputs)`` in evaluation mode, in row order and at least float32."""
    was_training = model.training
    model.eval()
    found = [wide(_forward(model, examples, block, autocast)) for block in _blocks(rows)]
    model.train(was_training)
    return torch.cat(found)


def _blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows in blocks of nearly the same size."""
    return np.array_split(rows, max(1, -(-len(rows) // BLOCK)))


def _forward(model: nn.Module, examples: Examples, rows: NDArray[np.int64], autocast: Autocast) -> Tensor:
    inputs = examples.preprocessing.normalise(examples.inputs(torch.from_numpy(rows).to(examples.device)))
    with autocast():
        output: Tensor = model(inputs)
    return output


def predictions(task: Task, examples: Examples, output: Tensor) -> NDArray[np.float64]:
    """Probabilities ``(B, C)``, or numbers ``(B,)`` in the target's own unit."""
    if task is Task.CLASSIFICATION:
        return np.asarray(output.double().softmax(1).cpu().numpy())
    return np.asarray(examples.preprocessing.restore(output).double().reshape(-1).cpu().numpy())


@contextmanager
def with_weights(model: nn.Module, weights: Mapping[str, Tensor] | None) -> Iterator[None]:
    """The model with other weights for a while; ``None`` leaves it as it is. Its buffers come back as they were too."""
    if weights is None:
        yield
        return
    live = {name: value.detach().clone() for name, value in model.named_parameters()}
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    _copy(dict(model.named_parameters()), weights)
    try:
        yield
    finally:
        _copy(dict(model.named_parameters()), live)
        _copy(dict(model.named_buffers()), buffers)


@torch.no_grad()
def _copy(into: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    for name, value in values.items():
        into[name].copy_(value)


@torch.no_grad()
def refresh_batch_norm(model: nn.Module, examples: Examples, rows: NDArray[np.int64], autocast: Autocast) -> None:
    """Recompute batch-norm statistics on clean training rows, for weights that were never live.

    Layers that the user keeps in evaluation mode are left alone. The model is left in training mode.
    """
    norms = tracking(model.train())
    if norms and len(rows) >= 2:
        recompute(model, norms, (partial(_forward, model, examples, block, autocast) for block in _blocks(rows)))
    model.train()
