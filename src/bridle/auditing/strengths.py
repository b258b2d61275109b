"""The strengths that penalties really have, per parameter, in canonical form."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from bridle.auditing.exchange import SILENT
from bridle.auditing.fits import Fit, elastic, norm, proportion
from bridle.auditing.measure import Measurement

NUDGE = 0.01
"""What weights that are all zero are set to, since a penalty has no gradient there."""
SPREAD = 0.5
"""Weights are multiplied by factors from 1 - SPREAD to 1 + SPREAD, to see how a penalty's gradient follows them."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Strength:
    """The penalties on one parameter; see :class:`bridle.records.Entry` for the fields."""

    penalty: str
    total: float
    fit: float
    l1: float
    l1_fit: float
    reach: float
    sources: dict[str, float]
    l1_sources: dict[str, float]
    gradient: float


@final
class Strengths:
    """Fits the gradients of penalties to the weights (L2) and to their signs (L1), both at once and at two points.

    Args:
        measurement: Gives the gradients.
        data_weight: The factor in front of the mean data loss, or NaN: then it is taken for 1 in each process.

    Attributes:
        fits: By source and weight, the penalty that the gradient is of.
    """

    def __init__(self, measurement: Measurement, data_weight: float) -> None:
        self._found = measurement
        unknown = math.isnan(data_weight) or data_weight == 0.0
        self._unit = measurement.exchange.factor if unknown else data_weight
        self._here: Mapping[str, Mapping[Tensor, Tensor]] = {
            "loss": measurement.in_loss,
            "by hand": measurement.by_hand,
            "bridle": measurement.by_bridle,
        }
        self._elsewhere: dict[Tensor, Tensor] = {}
        there = self._there()
        self.fits: dict[str, dict[Tensor, Fit]] = {
            source: {weight: self._fit(weight, here, there[source]) for weight in {**here, **there[source]}}
            for source, here in self._here.items()
        }

    def _there(self) -> dict[str, dict[Tensor, Tensor]]:
        """The gradients of penalties at other weights, for those that have some here or are all zero."""
        found, there = self._found, {source: dict[Tensor, Tensor]() for source in self._here}
        flat = {weight for weight in found.weights if not bool(found.start[weight].any())}
        asked = flat.union(*self._here.values()) - found.mixed
        looked_at = [weight for weight in found.weights if weight in asked]  # in one order in all processes
        if not looked_at:
            return there
        source = torch.Generator().manual_seed(0)
        for weight in looked_at:
            factor = 1.0 + SPREAD * (2.0 * torch.rand(weight.shape, generator=source) - 1.0)
            base = torch.full_like(weight, NUDGE) if weight in flat else found.start[weight]
            self._elsewhere[weight] = base.detach() * factor.to(base)
        trace = found.exchange.trace(SILENT, self._elsewhere)
        for weight in looked_at:
            raw, seen, final = trace.raw(weight), trace.seen.get(weight), trace.final.get(weight)
            if raw is None or seen is None or final is None:
                continue
            for name, gradient in {"loss": raw, "by hand": seen - raw, "bridle": final - seen}.items():
                if name == "loss" and not found.probe.recomputes:
                    continue
                if weight in self._here[name] or (weight in flat and bool(gradient.any())):
                    there[name][weight] = gradient
        return there

    def _fit(self, weight: Tensor, here: Mapping[Tensor, Tensor], there: Mapping[Tensor, Tensor]) -> Fit:
        points = [(here[weight], self._found.start[weight])] if weight in here else []
        return elastic(points + ([(there[weight], self._elsewhere[weight])] if weight in there else []))

    def of(self, weight: Tensor) -> Strength:
        """The strengths on one parameter."""
        found, fits = self._found, {source: held[weight] for source, held in self.fits.items() if weight in held}
        clip, own = found.clipped.get(weight, 1.0), 0.0
        if found.form == "coupled" and weight in found.whole.seen:
            own = found.declared.get(weight, 0.0)
        known = [(fit, clip if source == "loss" else 1.0) for source, fit in fits.items() if fit.known]
        l2 = own + sum(fit.l2 * factor for fit, factor in known)
        l1 = sum((fit.l1 * factor for fit, factor in known), 0.0)
        at, total = found.start[weight], self._gradient(weight, clip, own)
        penalty = _name(l2, l1) if len(known) == len(fits) else UNKNOWN
        stated = penalty not in ("", UNKNOWN)
        return Strength(
            penalty=penalty,
            total=l2 / self._unit if stated else math.nan,
            fit=proportion(total, at)[1],
            l1=l1 / self._unit if stated else math.nan,
            l1_fit=proportion(total, at.sign())[1],
            reach=min((fit.reach for fit in fits.values() if fit.known), default=1.0) if not own else 1.0,
            sources={
                **{source: fit.l2 / self._unit for source, fit in fits.items() if fit.known and fit.l2},
                **{source: math.nan for source, fit in fits.items() if not fit.known},
                **({"optimizer": own / self._unit} if own else {}),
            },
            l1_sources={source: fit.l1 / self._unit for source, fit in fits.items() if fit.known and fit.l1},
            gradient=norm(total),
        )

    def _gradient(self, weight: Tensor, clip: float, own: float) -> Tensor:
        """The gradient of all penalties, as the optimizer gets it."""
        total = own * self._found.start[weight]
        for source, gradients in self._here.items():
            if weight in gradients:
                total = total + gradients[weight] * (clip if source == "loss" else 1.0)
        return total


def _name(l2: float, l1: float) -> str:
    return " and ".join(name for name, strength in (("L2", l2), ("L1", l1)) if strength)
