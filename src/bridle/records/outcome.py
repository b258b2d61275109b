"""What training one member gave."""

from dataclasses import dataclass, field

from bridle.records.finding import Finding


@dataclass(frozen=True)
class Curves:
    """One value per epoch of each separate series.

    Args:
        series: By name. ``data_loss``: mean training loss over the epoch's (augmented, noisy) batches, without any
            penalty or loss term. ``terms``: the loss terms' mean value over the same batches. ``penalty``: the
            penalties' value at the end of the epoch. ``clean``: the metric on training rows with augmentation and noise
            off and averaged weights. ``score``: the metric on the fold's score rows. ``watch``: the metric on the watch
            rows. ``learning_rate``. A series that does not apply is absent.
    """

    series: dict[str, list[float]] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return max((len(values) for values in self.series.values()), default=0)


@dataclass(frozen=True)
class Outcome:
    """One trained member: its curves and how it ended.

    Args:
        candidate: The number of the recipe in the search.
        fold: The number of the fold.
        seed: The seed.
        curves: All series.
        seconds: Wall time of the training.
        steps: Optimizer steps taken.
        stopped: The epoch (counted from 1) whose weights early stopping restored, or ``None``.
        residual: The KKT residual of the kept weights: how far they are from a stationary point of clean data loss plus
            penalties, in the unit of a gradient; ``None`` where they are not kept or no penalty acts.
        failure: Why the member failed, or ``None``.
        findings: What was noticed, such as the step at which a loss became NaN.
    """

    candidate: int
    fold: int
    seed: int
    curves: Curves
    seconds: float = 0.0
    steps: int = 0
    stopped: int | None = None
    residual: float | None = None
    failure: str | None = None
    findings: tuple[Finding, ...] = ()
