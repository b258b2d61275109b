"""Stability selection: how often each feature survives in networks trained on complementary halves of the rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridle.errors import SearchError
from bridle.records import Stability

PAIRS = 50
"""Fewest pairs of halves: below, a frequency is too rough to hold against a threshold."""

THRESHOLD = 0.9


def check_stability(pairs: int, threshold: float) -> None:
    """Refuse too few pairs and a threshold that says nothing.

    Raises:
        SearchError: If there are fewer than 50 pairs, or the threshold does not lie in (0.5, 1].
    """
    if pairs < PAIRS:
        raise SearchError(f"Stability selection needs at least {PAIRS} pairs of halves; got {pairs}.")
    if not 0.5 < threshold <= 1:
        raise SearchError(f"The threshold of stability selection must lie in (0.5, 1]; got {threshold}.")


def stability(features: Sequence[str], survived: NDArray[np.bool_], threshold: float = THRESHOLD) -> Stability:
    """How often each feature survives, and which ones are stable.

    With p features, of which q survive in a half on average, the expected number of stable features among those that a
    half selects with a probability of at most q/p is at most ``q^2 / ((2 threshold - 1) p)``. It needs no assumption:
    where irrelevant features survive no more often than one picked at random, it bounds the false ones among the
    stable.

    Args:
        features: Their names.
        survived: ``(halves, features)``, the two halves of a pair one after the other.
        threshold: The frequency from which on a feature is stable, in (0.5, 1].

    Raises:
        SearchError: As :func:`check_stability` says.

    References: Shah and Samworth 2013, "Variable selection with error control: another look at stability selection",
    theorem 1 with theta = q/p; Meinshausen and Buehlmann 2010, "Stability selection", theorem 1, where the same bound
    needs exchangeability.
    """
    check_stability(len(survived) // 2, threshold)
    frequencies = survived.mean(axis=0)
    mean_selected = float(survived.sum(axis=1).mean())
    order = np.argsort(-frequencies, kind="stable")
    return Stability(
        features=tuple(features),
        frequencies=tuple(frequencies.tolist()),
        pairs=len(survived) // 2,
        threshold=threshold,
        stable=tuple(features[at] for at in order if frequencies[at] >= threshold),
        mean_selected=mean_selected,
        bound=min(mean_selected**2 / ((2 * threshold - 1) * len(features)), float(len(features))),
    )


def fair_count(features: int, threshold: float = THRESHOLD) -> int:
    """The most features that a half may select for a bound of one false feature, at least 1."""
    return max(1, int(np.sqrt((2 * threshold - 1) * features)))
