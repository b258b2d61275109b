"""Tree-structured Parzen estimator.

The sampler never sees the database: it is rebuilt in memory for each round, seeded by (seed, round), and given the told
trials in their order. So a round has the same asks wherever, whenever and however often it is sampled.
"""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from bridle.choosing._addresses import matters
from bridle.choosing._distributions import distributions
from bridle.choosing.strategies._base import Bracket, Round, Strategy, Values
from bridle.choosing.strategies._draws import another
from bridle.core import Recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

RETRIES = 10
"""Proposals that may repeat an earlier recipe before another is drawn at random."""
STARTUP = 8
"""Recipes that are drawn at random before the sampler learns from what it was told."""


@final
class TPE(Strategy):
    """Recipes where good ones are dense and bad ones are not, as Optuna's multivariate sampler has it.

    The sampler learns between rounds; within a round, and of what other searches are training, it keeps away from what
    is not told yet.

    Args:
        size: Recipes per round.

    Reference: Bergstra, Bardenet, Bengio and Kegl 2011, "Algorithms for hyper-parameter optimization".
    """

    def __init__(self, size: int = 4) -> None:
        self._size = size

    def bracket(self, number: int, epochs: int) -> Bracket:  # noqa: ARG002 - all rounds are alike
        """All recipes are trained to their end."""
        return Bracket(self._size, (epochs,))

    def propose(self, asked: Round) -> list[Values]:
        """What the sampler, rebuilt for the round, asks next."""
        from optuna.trial import TrialState

        study, free = _in_memory(asked), distributions(asked.space)
        seen = asked.seen
        proposed: list[Values] = []
        for index in range(asked.size):
            fixed = asked.first[index] if index < len(asked.first) else {}
            for attempt in range(RETRIES + 2):
                wanted = fixed if attempt == 0 else {} if attempt <= RETRIES else another(asked, index, seen)
                if wanted is None:
                    break
                trial = _ask(study, free, wanted)
                if trial.params not in seen:
                    seen.append(trial.params)
                    proposed.append(trial.params)
                    break
                study.tell(trial, state=TrialState.FAIL)
        return proposed

    def trials(self, space: Recipe, epochs: int) -> int | None:  # noqa: ARG002 - any number will do
        """A number that fits the data."""
        return None


def _in_memory(asked: Round) -> "Study":
    import optuna

    conditional = any(item.optional and item.free() for item in asked.space.regularizers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP,
            seed=asked.key(asked.number) % 2**32,
            multivariate=True,
            group=conditional,
            constant_liar=True,
        )
    direction = optuna.study.StudyDirection.MAXIMIZE if asked.maximize else optuna.study.StudyDirection.MINIMIZE
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), sampler=sampler, direction=direction)
    for trial in (*asked.told, *asked.running):
        study.add_trial(_known(trial))
    return study


def _known(trial: "FrozenTrial") -> "FrozenTrial":
    """A trial as the sampler is to see it.

    A failed one has no value: as a pruned one it tells the sampler where not to look again.
    """
    from optuna.trial import TrialState, create_trial

    return create_trial(
        state=TrialState.PRUNED if trial.state == TrialState.FAIL else trial.state,
        params=trial.params,
        distributions=trial.distributions,
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        intermediate_values=trial.intermediate_values,
    )


def _ask(study: "Study", free: Mapping[str, "BaseDistribution"], fixed: Mapping[str, Any]) -> "Trial":
    """One trial; the dials of a regularizer that is left out are not asked."""
    if fixed:
        study.enqueue_trial(dict(fixed))
    trial = study.ask()
    for address, distribution in free.items():
        if matters(address, trial.params):
            trial._suggest(address, distribution)
    return trial
