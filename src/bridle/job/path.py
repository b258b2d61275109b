"""The strengths of a path, in their order: where it begins, where it ends, and which way it goes."""

import math

import numpy as np

from bridle.choosing.strategies import Path
from bridle.choosing.strategies.path import RATE, path_dial
from bridle.core import Choice, Penalty, Proximal, Recipe, dials
from bridle.engine.strength_max import all_zero, is_linear, strength_max
from bridle.errors import SearchError
from bridle.job.context import Context
from bridle.population import Member
from bridle.records import Fold

POINTS = 20
"""Strengths of a path, where none are asked for."""
SHORT = 5
"""The trainings that double the strength until no weight is left have one part in so many of the epochs."""


def path_of(job: Context, rate: float) -> Path:
    """The path of a job's one free penalty dial, which ``rate`` is the learning rate for where that is free too.

    It goes from the largest strength down where the network is linear in its weights, and from the smallest up
    elsewhere. The largest is the upper end of the range, or less: the strength from which on no weight in scope is left
    in any fold. The values of a choice are taken as they are.

    Raises:
        SearchError: If it does not fit the space, or no weight is left over the whole range.
    """
    key, dial = path_dial(job.space)
    address = f"{key}.{dial}"
    fixed = {RATE: rate} if RATE in job.space.free() else {}
    free = job.space.free()[address]
    low = min(free.values) if isinstance(free, Choice) else free.low
    weakest = job.space.settle({**fixed, address: low})
    linear = is_linear(_member(job, weakest, job.folds()[0]), job.setting)
    if isinstance(free, Choice):
        strengths = sorted(free.values)
    else:
        high = min(free.high, _largest(job, weakest, key, dial, free.high, linear))
        if high <= low:
            raise SearchError(
                f"No weight in the scope of {key} is left from {address} = {high:.3g} on, and the range begins at "
                f"{low:.3g}. Give {address} a lower range."
            )
        points = int(min(job.ask.points or POINTS, job.ask.trials or math.inf))
        spaced = (np.geomspace if free.log else np.linspace)(low, high, points).tolist()
        strengths = [min(max(value, low), high) for value in spaced]
    strengths = strengths[::-1] if linear else strengths
    job.progress.say(f"The path of {address} goes from {strengths[0]:.3g} to {strengths[-1]:.3g}.")
    return Path(address, strengths, fixed)


def _member(job: Context, recipe: Recipe, fold: Fold, **settings: object) -> Member:
    return Member(0, recipe, job.watched(fold, recipe), job.ask.seed, stage="doubling", **settings)  # type: ignore[arg-type]


def _largest(job: Context, weakest: Recipe, key: str, dial: str, high: float, linear: bool) -> float:
    """From which strength on no weight in scope is left; infinite where the penalty makes no zeros."""
    penalty = next(item for item in weakest.of(Penalty) if item.key == key)
    if not isinstance(penalty, Proximal) or penalty.gradient_only:
        return math.inf
    if linear and dial == next(iter(dials(type(penalty)))):
        found = [strength_max(_member(job, weakest, fold), job.setting, key) for fold in job.folds()]
        known = [value for value in found if value is not None]
        if known:
            return max(known)
    return _by_doubling(job, weakest, penalty, dial, high)


def _by_doubling(job: Context, weakest: Recipe, penalty: Penalty, dial: str, high: float) -> float:
    """The first of low, 2 low, 4 low ... at which short trainings, each from the last one's weights, leave no weight.

    On the first fold; ``high`` where none is found below it. A range from zero on is doubled from its last millionth.
    """
    strength, warm = float(getattr(penalty, dial) or high / 2**20), ""
    training = weakest.training.replace(epochs=max(weakest.training.epochs // SHORT, 1), stop_after=0)
    while strength < high:
        stronger = penalty.bind({dial: strength})
        items = [stronger if item is penalty else item for item in weakest.regularizers]
        member = _member(job, Recipe(*items, training=training), job.folds()[0], keep=True, warm=warm)
        for _, outcome in job.crew([member]):
            if outcome.failure is None:
                warm = member.name
                if all_zero(member, job.setting, penalty.key):
                    return strength
        strength *= 2
    return high
