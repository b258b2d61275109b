"""How often each feature survives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stability:
    """Features that survive a penalty in networks trained on complementary halves of the rows.

    Args:
        features: The names of all features.
        frequencies: In which share of the halves each one survives, in [0, 1].
        pairs: How many pairs of complementary halves there are.
        threshold: The frequency from which on a feature counts as stable.
        stable: The names of the stable ones, the most frequent first.
        mean_selected: How many features survive in one half, on average.
        bound: Of the features that a half selects less often than one picked at random, at most so many are stable in
            expectation (Shah and Samworth 2013, theorem 1).
    """

    features: tuple[str, ...]
    frequencies: tuple[float, ...]
    pairs: int
    threshold: float
    stable: tuple[str, ...]
    mean_selected: float
    bound: float
