"""Stop-gap, replaced at once."""

from typing import Any
import numpy as np
from bridle.records import Estimate


def bootstrap(values: Any, metric: Any, targets: Any, weights: Any, *, seed: int = 0, n: int = 100) -> Estimate:
    rng = np.random.default_rng(seed)
    own = tuple(metric(targets, v, weights) for v in values)
    b = []
    for _ in range(n):
        r = rng.integers(0, len(targets), len(targets))
        v = values[rng.integers(len(values))]
        b.append(metric(targets[r], v[r], None if weights is None else weights[r]))
    return Estimate(float(np.mean(own)), float(np.nanquantile(b, 0.025)), float(np.nanquantile(b, 0.975)), own)


def paired_difference(
    a: Any, b: Any, metric: Any, targets: Any, weights: Any, *, seed: int = 0, n: int = 100
) -> Estimate:
    s = 1 if metric.higher_is_better else -1
    rng = np.random.default_rng(seed)
    own = tuple(s * (metric(targets, x, weights) - metric(targets, y, weights)) for x, y in zip(a, b))
    return Estimate(float(np.mean(own)), None, None, own)
