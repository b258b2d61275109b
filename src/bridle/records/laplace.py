"""Strengths of L2 by layer that maximise the marginal likelihood."""

import math
from dataclasses import dataclass

from bridle.records.outcome import Outcome


@dataclass(frozen=True)
class LaplaceLayer:
    """One weight whose strength was chosen.

    Args:
        name: The weight's name in the network.
        weights: How many numbers it holds.
        strength: The strength of L2 on it, beside the mean data loss.
        precision: The precision of its prior, one over the variance.
        effective: How many of its numbers the data determine, out of ``weights``.
    """

    name: str
    weights: int
    strength: float
    precision: float
    effective: float


@dataclass(frozen=True)
class LaplaceStep:
    """The strengths after one update.

    Args:
        round: The training, counted from 1.
        epoch: The epoch of that training after which it was.
        log_evidence: The log marginal likelihood of the training targets there, in nats; of regressions in the unit
            of standardised targets.
        strengths: By the weight's name.
    """

    round: int
    epoch: int
    log_evidence: float
    strengths: dict[str, float]


@dataclass(frozen=True)
class Laplace:
    """Strengths of L2 by layer from the marginal likelihood in the Laplace approximation, without validation data.

    Args:
        recipe: The recipe with them, as TOML text; nothing else in it regularizes.
        log_evidence: The log marginal likelihood of the training targets with them, in nats.
        layers: The weights that have a strength.
        left_out: The weights that have none because a normalisation divides out their scale: the evidence does not
            depend on it.
        noise: For regression the standard deviation of the noise, in the target's unit.
        steps: Every update, in order.
        seconds: Wall time.
        outcomes: The recipe's trainings on the folds of the search; empty where nothing was free.
        score: The mean over those folds of the metric after the last epoch: no epoch was chosen either.
        error: The standard error of that mean.
    """

    recipe: str
    log_evidence: float
    layers: tuple[LaplaceLayer, ...]
    left_out: tuple[str, ...] = ()
    noise: float | None = None
    steps: tuple[LaplaceStep, ...] = ()
    seconds: float = 0.0
    outcomes: tuple[Outcome, ...] = ()
    score: float = math.nan
    error: float = math.nan
