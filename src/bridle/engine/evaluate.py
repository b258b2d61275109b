"""Clean evaluation: augmentation and noise off, averaged weights where there is averaging."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridle.engine.examples import Examples
from bridle.records import Task

BLOCK = 1024
"""Rows per forward pass of an evaluation."""


@torch.no_grad()
def outputs(
    model: nn.Module, examples: Examples, rows: NDArray[np.int64], autocast: Callable[[], torch.autocast]
) -> Tensor:
    """The model's outputs ``(B, outputs)`` in evaluation mode, in float32 and row order."""
    was_training = model.training
    model.eval()
    blocks = []
    for start in range(0, len(rows), BLOCK):
        inputs = examples.preprocessing.normalise(examples.inputs(rows[start : start + BLOCK]))
        with autocast():
            blocks.append(model(inputs).float())
    model.train(was_training)
    return torch.cat(blocks)


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
def refresh_batch_norm(
    model: nn.Module, examples: Examples, rows: NDArray[np.int64], autocast: Callable[[], torch.autocast]
) -> None:
    """Recompute batch-norm statistics on clean training rows, for weights that were never live.

    Reference: Izmailov et al. 2018, "Averaging weights leads to wider optima".
    """
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.running_mean is not None]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        if len(block) > 1:
            with autocast():
                model(examples.preprocessing.normalise(examples.inputs(block)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train()
