"""The recipes that a round tries, sampled in memory from what earlier rounds were told.

The sampler never sees the database: it is rebuilt for each round, seeded by (seed, round), and given the told trials in
the order of their numbers. So a round has the same asks wherever, whenever and however often it is sampled.
"""

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bridle.choosing._addresses import matters, whole_numbers
from bridle.core import Between, Choice, Recipe
from bridle.core.draws import key

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

STARTUP = 8
"""Recipes that are drawn at random before the sampler learns from what it was told."""
RETRIES = 10
"""Draws that may repeat an earlier recipe before a new one is sought otherwise."""


def propose(
    space: Recipe,
    told: Sequence["FrozenTrial"],
    *,
    seed: int,
    round_number: int,
    size: int,
    first: Sequence[Mapping[str, Any]],
    maximize: bool,
) -> list["Trial"]:
    """Up to ``size`` trials with values that were never tried before; fewer where a finite space runs out.

    Args:
        space: The recipe with free dials.
        told: The trials of all earlier rounds, in the order of their numbers.
        seed: The search's seed.
        round_number: The round, counted from 0.
        size: How many recipes to propose.
        first: Values for the first of them; what they leave open is sampled.
        maximize: Whether a higher score is better.
    """
    from optuna.trial import TrialState

    study = _in_memory(space, told, key("search", seed, round_number) % 2**32, maximize)
    seen = [trial.params for trial in told]
    proposed: list[Trial] = []
    for index in range(size):
        fixed = first[index] if index < len(first) else {}
        for attempt in itertools.chain(
            [fixed], itertools.repeat({}, RETRIES), itertools.islice(_unseen(space, seen), 1)
        ):
            trial = _ask(study, space, attempt)
            if trial.params not in seen:
                seen.append(trial.params)
                proposed.append(trial)
                break
            study.tell(trial, state=TrialState.FAIL)
    return proposed


def _in_memory(space: Recipe, told: Sequence["FrozenTrial"], seed: int, maximize: bool) -> "Study":
    import optuna
    from optuna.trial import TrialState, create_trial

    conditional = any(item.optional and item.free() for item in space.regularizers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP, seed=seed, multivariate=True, group=conditional, constant_liar=True
        )
    direction = optuna.study.StudyDirection.MAXIMIZE if maximize else optuna.study.StudyDirection.MINIMIZE
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), sampler=sampler, direction=direction)
    for trial in told:
        # A failed trial has no value. As a pruned one it tells the sampler where not to look again.
        state = TrialState.PRUNED if trial.state == TrialState.FAIL else TrialState.COMPLETE
        study.add_trial(
            create_trial(state=state, params=trial.params, distributions=trial.distributions, value=trial.value)
        )
    return study


def _ask(study: "Study", space: Recipe, fixed: Mapping[str, Any]) -> "Trial":
    """One trial; the dials of a regularizer that is left out are not asked."""
    whole = whole_numbers(space)
    if fixed:
        study.enqueue_trial(dict(fixed))
    trial = study.ask()
    for address, free in space.free().items():
        if not matters(address, trial.params):
            continue
        match free:
            case Choice(values):
                trial.suggest_categorical(address, list(dict.fromkeys(values)))
            case Between(low, high, log) if address in whole:
                trial.suggest_int(address, int(low), int(high), log=log)
            case Between(low, high, log):
                trial.suggest_float(address, low, high, log=log)
    return trial


def _unseen(space: Recipe, seen: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The recipes of a finite space that are not among ``seen``; none of an infinite one."""
    free = space.free()
    if any(isinstance(value, Between) for value in free.values()):
        return
    for chosen in itertools.product(*(dict.fromkeys(value.values) for value in free.values())):
        values = dict(zip(free, chosen, strict=True))
        values = {address: value for address, value in values.items() if matters(address, values)}
        if values not in seen:
            yield values
