"""The curvature of the data loss at a network's weights: generalised Gauss-Newton, Kronecker-factored by layer."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridle.core import Batch
from bridle.engine.kronecker import Factors
from bridle.engine.losses import default_loss, wide
from bridle.records import Task


@final
@dataclass(frozen=True, eq=False)
class Layer:
    """One weight with the curvature of the summed data loss in it.

    Args:
        name: The weight's full name.
        square: The sum of its squares.
        eigenvalues: ``(P,)`` of its block of the Gauss-Newton matrix of the negative log-likelihood, one per weight;
            for a regression at a noise variance of 1.
    """

    name: str
    square: float
    eigenvalues: NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Curvature:
    """What a Laplace approximation needs to know of a network at its weights.

    Args:
        layers: The weights that have a prior.
        loss: The data loss summed over the examples: cross-entropies, or squared errors without a half.
        examples: How many examples that are.
        task: Classification or regression.
    """

    layers: tuple[Layer, ...]
    loss: float
    examples: int
    task: Task


def curvature(model: nn.Module, names: Sequence[str], batches: Iterable[Batch], task: Task, examples: int) -> Curvature:
    """The Gauss-Newton matrix of each layer, Kronecker-factored: ``A ⊗ G / n``.

    The network is in evaluation mode: dropout is off and batch normalisation has its running statistics. The Hessian
    of the loss in the outputs is exact, not sampled: one backward pass for each class.

    Args:
        model: The network.
        names: The full names of the weights; each belongs to an ``nn.Linear`` or ``nn.Conv2d`` that is called once.
        batches: Examples as the network takes them.
        task: Classification (cross-entropy) or regression (squared error).
        examples: The number of examples that the sums are for, where ``batches`` hold a part of them.

    Raises:
        ModelError: If a weight belongs to another kind of layer, is shared, or is used otherwise.

    References:
        Martens and Grosse 2015, "Optimizing neural networks with Kronecker-factored approximate curvature"; Grosse and
        Martens 2016, for convolutions; Botev et al. 2017, for Gauss-Newton.
    """
    factors = [Factors(model, name) for name in names]
    was_training = model.training
    model.eval()
    loss, seen = 0.0, 0
    with ExitStack() as hooks:
        for item in factors:
            hooks.enter_context(item.watching())
        for batch in batches:
            loss += _add(model, factors, batch, task)
            seen += len(batch.examples)
    model.train(was_training)
    share = examples / seen
    layers = tuple(
        Layer(item.name, float(item.weight.detach().double().square().sum()), share * item.eigenvalues().cpu().numpy())
        for item in factors
    )
    return Curvature(layers, share * loss, examples, task)


def _add(model: nn.Module, factors: Sequence[Factors], batch: Batch, task: Task) -> float:
    """Add one batch to the factors; gives its summed loss."""
    with torch.enable_grad():
        output = wide(model(batch.inputs))
    zeros = [item.zero() for item in factors]
    root = hessian_root(output.detach(), task) * batch.weights.sqrt()[:, None, None]
    for column in range(root.shape[2]):
        more = column + 1 < root.shape[2]
        gradients = torch.autograd.grad(output, zeros, root[:, :, column], retain_graph=more)
        for item, gradient in zip(factors, gradients, strict=True):
            item.add(gradient)
    losses = default_loss(task)(output.detach(), batch.targets)
    return float((losses.double() * batch.weights).sum())


def hessian_root(output: Tensor, task: Task) -> Tensor:
    """``S (B, C, R)`` with ``S S^T`` the Hessian of the negative log-likelihood in the outputs ``(B, C)``.

    That is ``diag(p) - p p^T`` for classes, and 1 for a number at a noise variance of 1.
    """
    if task is Task.REGRESSION:
        return output.new_ones(len(output), 1, 1)
    p = output.softmax(1)
    return (torch.eye(p.shape[1], dtype=p.dtype, device=p.device) - p[:, :, None]) * p[:, None, :].sqrt()
