"""The path of the hierarchical lasso, from all features to none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PathStep:
    """The network at one strength of the penalty.

    Args:
        strength: The strength; 0 for the dense network at the beginning.
        features: The numbers of the features that are not left out, ascending.
        score: The metric on the score rows, NaN where there are none.
        loss: The mean data loss on the training rows, without the penalty.
        norms: The norm of each one's skip weights.
    """

    strength: float
    features: tuple[int, ...]
    score: float
    loss: float
    norms: tuple[float, ...]

    @property
    def penalty(self) -> float:
        """The sum of the norms: the penalty at strength 1."""
        return sum(self.norms)


@dataclass(frozen=True)
class CountScore:
    """What cross-validation says of one number of features.

    Args:
        count: The number of features.
        scores: The metric in each fold, where that many or the next smaller number of features was left.
        mean: Their mean.
        error: The standard error of the mean; NaN of one fold.
    """

    count: int
    scores: tuple[float, ...]
    mean: float
    error: float
