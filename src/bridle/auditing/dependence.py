"""What depends on the weights: the outputs of the model, and a part of the loss that has no gradient."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bridle.auditing.exchange import SILENT
from bridle.auditing.fits import dot
from bridle.auditing.measure import Measurement
from bridle.auditing.outputs import tensors
from bridle.auditing.trace import Plan, Trace

STRETCH = 0.1
"""By how much of themselves weights are changed, to see what depends on them."""
VISIBLE = 1e-6
"""A change of the loss below this share of it is rounding."""
UNEXPLAINED = 0.2
"""From this share on a change of the loss is not that of a penalty with a gradient."""
ONE_BY_ONE = 8
"""So many weights at most are tried one by one."""


def used(measurement: Measurement) -> dict[Tensor, bool | None]:
    """Whether the outputs depend on each weight: by the data's gradient, or else by changing the weight."""
    whole, silent = measurement.whole, measurement.silent
    found: dict[Tensor, bool | None] = {}
    for weight in measurement.weights:
        raw, left = whole.raw(weight), silent.raw(weight)
        penalty = left if left is not None and weight not in measurement.mixed else None
        found[weight] = raw is not None and bool((raw if penalty is None else raw - penalty).any())
    open_ones = [weight for weight, known in found.items() if not known]
    if open_ones and not whole.outputs:
        found.update(dict.fromkeys(open_ones))
    elif open_ones:
        change = _outputs_change(measurement, open_ones)
        if len(open_ones) > ONE_BY_ONE:
            found.update(dict.fromkeys(open_ones) if change else {})
        elif change or measurement.several:
            found.update({weight: _outputs_change(measurement, [weight]) for weight in open_ones})
    return found


def _outputs_change(measurement: Measurement, weights: Sequence[Tensor]) -> bool:
    source = torch.Generator().manual_seed(0)
    changed = {
        weight: weight.detach() * 1.5 + 0.1 * torch.randn(weight.shape, generator=source).to(weight)
        for weight in weights
    }
    outputs = measurement.trace(Plan(record="outputs"), changed).outputs
    pairs = zip(tensors(measurement.whole.outputs), tensors(outputs), strict=False)
    return any(not torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in pairs)


def without_gradient(measurement: Measurement) -> tuple[float, tuple[Tensor, ...]]:
    """The share of a change of the loss, at the same outputs and other weights, that no gradient tells of.

    The loss is that of this process. Several processes run the step as often, whatever each of them sees in its own.

    Returns:
        The share, NaN where nothing changes or a gradient is part of the loss, and the weights that it depends on where
        it is large.
    """
    whole = measurement.whole
    if measurement.noise or not whole.outputs or not whole.losses:
        return math.nan, ()
    if whole.second_order:
        measurement.notes.append(
            "The step takes a gradient with a graph of its own. A loss that holds it depends on the weights by that: a "
            "penalty without a gradient is not looked for."
        )
        return math.nan, ()
    weights = [weight for weight in measurement.weights if weight not in measurement.mixed]
    share = _unexplained(measurement, weights, whole, "outputs")
    if not share > UNEXPLAINED and not measurement.several:
        return share, ()
    everything = measurement.trace(Plan(watch=True, record="all"))  # perhaps it is a penalty on activations
    deeper = _unexplained(measurement, weights, everything, "all")
    share = deeper if share > UNEXPLAINED else share
    if not share > UNEXPLAINED and not measurement.several:
        return share, ()
    suspects = [weight for weight in weights if weight not in measurement.in_loss]
    if len(suspects) <= ONE_BY_ONE:
        suspects = [one for one in suspects if _unexplained(measurement, [one], everything, "all") > UNEXPLAINED]
    return share, tuple(suspects) if share > UNEXPLAINED else ()


def _unexplained(measurement: Measurement, weights: Sequence[Tensor], whole: Trace, kind: str) -> float:
    changed = {weight: weight.detach() * (1 + STRETCH) for weight in weights}
    replay: tuple[str, list[Any]] = (kind, whole.outputs)
    losses = measurement.trace(Plan(replay=replay), changed).losses
    slopes = [measurement.silent.accumulated, measurement.trace(SILENT, changed).accumulated]
    change = sum(losses) - sum(measurement.whole.losses)
    if len(losses) != len(measurement.whole.losses) or abs(change) <= VISIBLE * abs(sum(losses)):
        return math.nan
    # The mean of the slopes at both ends: exact for L2 to whatever point, and for L1.
    told = sum(dot(slope[weight], weight) for slope in slopes for weight in weights if weight in slope) * STRETCH / 2
    return min(abs(change - told) / abs(change), 1.0)
