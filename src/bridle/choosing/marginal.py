"""Strengths that maximise the marginal likelihood in the Laplace approximation: no validation data is needed.

Each layer's weights have the prior ``N(0, 1 / precision)``; a regression has Gaussian noise of a variance v. With
weights w at the minimum of the penalised loss, the log evidence is ::

    log p(D | w) + sum over layers (P / 2 log precision - precision / 2 ||w||^2) - 1/2 log det(H + precision)

and H, the curvature of ``-log p(D | w)``, enters by its eigenvalues. It is that of the weights which have a prior,
given all others (biases, scales of norms, embeddings): those stay where training has put them.

References:
    MacKay 1992, "A practical Bayesian framework for backpropagation networks"; Immer et al. 2021, "Scalable marginal
    likelihood estimation for model selection in deep learning".
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import brentq

from bridle.core.conventions import CONVENTIONS
from bridle.core.conventions.convention import canonical
from bridle.engine.curvature import Curvature, Layer
from bridle.records import Task

PRECISIONS = (1e-12, 1.0)
"""Precisions are looked for between these, per example: beyond, a layer is free, or gone. Beside the cross-entropy they
are strengths, and stronger ones would make the steps of gradient descent unstable."""

TINY = 1e-12
"""A regression that leaves no residual has this mean squared error."""

ROUNDS, CLOSE = 100, 1e-9
"""Precisions and noise are improved in turn, at most so often, until no logarithm moves by more than this."""


@final
@dataclass(frozen=True)
class Prior:
    """The precision of each layer's weights, and the noise of the targets.

    Args:
        precisions: By the weight's full name.
        variance: Of the Gaussian noise, in the squared unit of the targets that the network sees; 1 for classes, where
            it has no meaning.
    """

    precisions: Mapping[str, float]
    variance: float = 1.0

    def strengths(self, examples: int, task: Task) -> dict[str, float]:
        """The strengths of L2 beside the mean data loss, by the weight's name.

        That is ``precision / N`` beside the cross-entropy and ``2 variance precision / N`` beside the squared error
        without a half: the minimum of the penalised loss is then the mode of the posterior.
        """
        name = "laplace.Classification" if task is Task.CLASSIFICATION else "laplace.Regression"
        given = {"examples": examples, "noise_std": math.sqrt(self.variance), **CONVENTIONS[name].arguments}
        return {
            weight: canonical(CONVENTIONS[name], {**given, "prior_precision": precision})["l2"]
            for weight, precision in self.precisions.items()
        }


def log_evidence(found: Curvature, prior: Prior) -> float:
    """The log marginal likelihood of the training targets, in nats."""
    total = _log_likelihood(found, prior.variance)
    for layer in found.layers:
        precision = prior.precisions[layer.name]
        ratios = layer.eigenvalues / (prior.variance * precision)
        total -= 0.5 * (precision * layer.square + float(np.log1p(ratios).sum()))
    return total


def _log_likelihood(found: Curvature, variance: float) -> float:
    if found.task is Task.CLASSIFICATION:
        return -found.loss
    return -0.5 * (found.examples * math.log(2 * math.pi * variance) + found.loss / variance)


def effective(layer: Layer, precision: float, variance: float = 1.0) -> float:
    """How many of a layer's weights the data determine, of all P: MacKay's gamma."""
    return float((layer.eigenvalues / (layer.eigenvalues + variance * precision)).sum())


def precision_slope(layer: Layer, precision: float, variance: float = 1.0) -> float:
    """The slope of the log evidence in the log of a layer's precision: ``(gamma - precision ||w||^2) / 2``."""
    return 0.5 * (effective(layer, precision, variance) - precision * layer.square)


def noise_slope(found: Curvature, prior: Prior) -> float:
    """The slope of a regression's log evidence in the log of the noise variance: ``(loss / v - N + gamma) / 2``."""
    determined = sum(effective(layer, prior.precisions[layer.name], prior.variance) for layer in found.layers)
    return 0.5 * (found.loss / prior.variance - found.examples + determined)


def best_prior(found: Curvature, start: Prior) -> Prior:
    """The prior that maximises the log evidence at these weights and this curvature.

    Given the noise each precision has one maximum, the root of MacKay's ``precision ||w||^2 = gamma``; given the
    precisions so has the noise, ``v = loss / (N - gamma)``. Each improvement goes up, so that the two in turn do too.

    Args:
        found: The network's loss, weights and curvature.
        start: Where to begin; only the noise of a regression counts.
    """
    variance = start.variance
    precisions = dict(start.precisions)
    for _ in range(ROUNDS):
        before = variance
        precisions = {layer.name: _precision(layer, variance, found.examples) for layer in found.layers}
        if found.task is Task.REGRESSION:
            variance = _variance(found, precisions)
        if abs(math.log(variance / before)) < CLOSE:
            break
    return Prior(precisions, variance)


def _precision(layer: Layer, variance: float, examples: int) -> float:
    low, high = (bound * examples for bound in PRECISIONS)
    return _root(lambda precision: precision_slope(layer, precision, variance), low, high)


def _variance(found: Curvature, precisions: Mapping[str, float]) -> float:
    exact = max(found.loss / found.examples, TINY)
    return _root(lambda variance: noise_slope(found, Prior(precisions, variance)), exact, exact / TINY)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function of a positive number is zero, or the end that is nearer to it."""
    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    at: float = brentq(lambda place: falling(math.exp(place)), math.log(low), math.log(high), xtol=1e-12)
    return math.exp(at)
