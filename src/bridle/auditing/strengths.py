"""The strengths that penalties really have, per parameter, in canonical form."""

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from bridle.auditing.fits import norm, proportion
from bridle.auditing.measure import LINEAR, Measurement
from bridle.auditing.trace import Plan

NUDGE = 0.01
"""What weights that are all zero are set to, since a penalty has no gradient there."""


@dataclass(frozen=True)
class Strength:
    """The penalties on one parameter; see :class:`bridle.records.Entry` for the fields."""

    total: float
    fit: float
    l1: float
    l1_fit: float
    sources: dict[str, float]
    gradient: float


@final
class Strengths:
    """Fits each penalty's gradient to the weights (L2) and to their signs (L1).

    Args:
        measurement: Gives the gradients.
        data_weight: The factor in front of the mean data loss, or NaN.
    """

    def __init__(self, measurement: Measurement, data_weight: float) -> None:
        self._found = measurement
        self._unit = 1.0 if math.isnan(data_weight) or data_weight == 0.0 else data_weight
        self._at = dict(measurement.start)
        self._gradients = {
            "loss": dict(measurement.in_loss),
            "by hand": dict(measurement.by_hand),
            "bridle": dict(measurement.by_bridle),
        }
        self._nudge()

    def _nudge(self) -> None:
        """Where weights are all zero, look at the penalties a little away from there."""
        found = self._found
        flat = {
            weight: torch.full_like(weight, NUDGE) for weight in found.weights if not bool(found.start[weight].any())
        }
        if not flat:
            return
        trace = found.trace(Plan(silent=True, clips=False, watch=True), changed=flat)
        for weight, value in flat.items():
            raw, seen, final = trace.raw(weight), trace.seen.get(weight), trace.final.get(weight)
            if raw is None or seen is None or final is None or weight in found.mixed:
                continue
            self._at[weight] = value
            pairs = {"loss": raw, "by hand": seen - raw, "bridle": final - seen}
            for source, gradient in pairs.items():
                if bool(gradient.any()):
                    self._gradients[source][weight] = gradient

    def of(self, weight: Tensor) -> Strength:
        """The strengths on one parameter."""
        at, clip = self._at[weight], self._found.clipped.get(weight, 1.0)
        sources: dict[str, float] = {}
        total = torch.zeros_like(at)
        for source, gradients in self._gradients.items():
            if weight in gradients:
                slope, fit = proportion(gradients[weight], at)
                sources |= {source: slope / self._unit} if fit > LINEAR else {}
                total += gradients[weight] * (clip if source == "loss" else 1.0)
        own = self._found.declared.get(weight, 0.0) if self._found.form == "coupled" else 0.0
        if own and weight in self._found.whole.seen:
            sources["optimizer"] = own / self._unit
            at = at if bool(at.any()) else torch.full_like(at, NUDGE)
            total += own * at
        (slope, fit), (slope1, fit1) = proportion(total, at), proportion(total, at.sign())
        return Strength(slope / self._unit, fit, slope1 / self._unit, fit1, sources, norm(total))
