"""What a metric is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from bridle.records import Task

Numbers = NDArray[np.float64]
Score = Callable[[NDArray[Any], Numbers, Numbers | None], float]


@final
@dataclass(frozen=True, eq=False)
class Metric:
    """A number that says how good predictions are.

    Args:
        name: Its name in commands, evidence and reports.
        task: The task that it judges.
        higher_is_better: Which way it points.
        needs: ``"probabilities"`` where the numbers themselves matter, ``"classes"`` where only the most probable
            class does, and ``"numbers"`` for regression.
        function: From targets ``(N,)``, predictions (probabilities ``(N, C)`` or numbers ``(N,)``) and weights
            ``(N,)`` or ``None``, to the value. NaN where it is not defined.
    """

    name: str
    task: Task
    higher_is_better: bool
    needs: Literal["probabilities", "classes", "numbers"]
    function: Score

    def __call__(self, targets: NDArray[Any], predictions: Numbers, weights: Numbers | None = None) -> float:
        """The value for some rows."""
        return float(self.function(targets, predictions, weights))

    def better(self, first: float, second: float) -> bool:
        """Whether the first value is better than the second."""
        return first > second if self.higher_is_better else first < second
