"""An estimate: a number with its interval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Args:
        value: The estimate, a mean where there are several values.
        low: Lower end of the interval, or ``None`` where none can be given.
        high: Upper end.
        values: The single values, one per seed (or per fold).
    """

    value: float
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()
