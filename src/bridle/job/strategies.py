"""The strategy that a job asked for."""

from bridle.choosing.strategies import TPE, Grid, Halving, Hyperband, Random, Strategy
from bridle.choosing.strategies.path import path_dial
from bridle.errors import SearchError
from bridle.job.context import Context
from bridle.job.path import path_of

GRID_POINTS = 5
"""Points of each range of a grid, where none are asked for."""


def check_strategy(job: Context) -> None:
    """Refuse, before anything is trained, a strategy that does not fit the space or the other options.

    Raises:
        SearchError: If it does not.
    """
    if job.ask.strategy == "path":
        path_dial(job.space)
    if job.ask.points is not None and job.ask.strategy not in ("grid", "path"):
        raise SearchError(f"points is for the strategies grid and path; got strategy {job.ask.strategy!r}.")
    if job.ask.strategy == "grid" and not (job.ask.trials or job.ask.budget):
        Grid(job.ask.points or GRID_POINTS).trials(job.space, 1)


def strategy_of(job: Context, rate: float) -> Strategy:
    """The strategy of a job; ``rate`` is the learning rate that did best without regularization.

    Raises:
        SearchError: If it does not fit the space.
    """
    match job.ask.strategy:
        case "random":
            return Random()
        case "grid":
            return Grid(job.ask.points or GRID_POINTS)
        case "halving":
            return Halving()
        case "hyperband":
            return Hyperband()
        case "path":
            return path_of(job, rate)
        case _:
            return TPE()
