"""The study: what a search asked and was told, kept in a database, in rounds that survive being killed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

from bridle.choosing._database import open_database, storing, url_of
from bridle.choosing._proposals import propose
from bridle.core import Recipe, toml
from bridle.errors import SearchError

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial


def open_study(storage: Path | str, name: str, seed: int, *, higher_is_better: bool) -> "Study":
    """The study called ``name``: a new one, or the one that is there, to go on with.

    Args:
        storage: A SQLite file, made where it is missing, or the URL of a database.
        name: The study's name in the database.
        seed: The seed of all its rounds.
        higher_is_better: Which way the metric points.

    Raises:
        StorageError: If the database cannot be opened.
        SearchError: If the study is there with another seed or direction, or was not made by Bridle.
    """
    import optuna

    url = url_of(storage)
    database = open_database(url)
    wanted = optuna.study.StudyDirection.MAXIMIZE if higher_is_better else optuna.study.StudyDirection.MINIMIZE
    with storing(url):
        study = optuna.create_study(storage=database, study_name=name, direction=wanted, load_if_exists=True)
        if study.direction != wanted:
            raise SearchError(
                f"The study {name!r} in {url} was told a metric that points the other way. Give this search another "
                "name."
            )
        known = study.user_attrs.get("bridle seed")
        if known is None and study.get_trials(deepcopy=False):
            raise SearchError(f"The study {name!r} in {url} was not made by Bridle. Give this search another name.")
        if known not in (None, seed):
            raise SearchError(
                f"The study {name!r} in {url} was begun with seed {known}; got {seed}. Give that seed to go on."
            )
        if known is None:
            study.set_user_attr("bridle seed", seed)
    return Study(study, database, url, seed)


@final
class Study:
    """What a search asked and was told. :func:`open_study` makes it.

    A round is asked as a whole: its trials are written first and one last entry makes them count, so a search that was
    killed in between asks the round anew, with the same result. A round that counts is returned as it was asked.
    """

    def __init__(self, study: "optuna.study.Study", database: "RDBStorage", url: str, seed: int) -> None:
        self._study = study
        self._database = database
        self._url = url
        self._seed = seed
        self._trials: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._database.remove_session()
        self._database.engine.dispose()

    @property
    def higher_is_better(self) -> bool:
        """Which way the metric points."""
        return self._study.direction.name == "MAXIMIZE"

    def ask_round(
        self, space: Recipe, round_number: int, size: int, first: Sequence[Mapping[str, Any]] = ()
    ) -> list[tuple[int, dict[str, Any]]]:
        """The numbers and values of one round's recipes.

        Args:
            space: The recipe with free dials; the same for all rounds of a study.
            round_number: The round, counted from 0; all earlier rounds must have been asked and told.
            size: How many recipes to ask. Fewer come where a finite space has no more, and as many as were asked at the
                time where the round counts already.
            first: Values for the round's first recipes; what they leave open is sampled.

        Raises:
            SearchError: If the study was begun with another space, or an earlier round is not told.
            StorageError: If the database fails.
        """
        with storing(self._url):
            self._check_space(space)
            rounds = self._asked()
            if len(rounds) < round_number:
                raise SearchError(f"Round {round_number} cannot be asked before round {len(rounds)}.")
            if len(rounds) == round_number:
                rounds.append(self._ask(space, rounds, size, first))
            start = sum(len(numbers) for numbers in rounds[:round_number])
            asked = dict(enumerate(rounds[round_number], start))
            self._trials |= asked
            trials = self._study.get_trials(deepcopy=False)
            return [(number, dict(trials[at].params)) for number, at in asked.items()]

    def tell(self, number: int, value: float | None, failure: str | None = None) -> None:
        """The score of recipe ``number``, or why it failed. Told once more, nothing changes.

        Raises:
            StorageError: If the database fails.
        """
        from optuna.trial import TrialState

        trial = self._trials[number]
        with storing(self._url):
            if failure is None:
                self._study.tell(trial, value, skip_if_finished=True)
            else:
                self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def record_seconds(self, round_number: int, seconds: float) -> float:
        """Keep the wall time of a round; the time recorded first counts and is returned."""
        with storing(self._url):
            known = self._study.user_attrs.get(f"bridle seconds {round_number}")
            if known is None:
                self._study.set_user_attr(f"bridle seconds {round_number}", seconds)
            return seconds if known is None else float(known)

    def _asked(self) -> list[list[int]]:
        """The rounds that count: the numbers of their trials in the database."""
        marks = self._study.user_attrs
        rounds: list[list[int]] = []
        while (numbers := marks.get(f"bridle round {len(rounds)}")) is not None:
            rounds.append(numbers)
        return rounds

    def _told(self, rounds: Sequence[Sequence[int]]) -> list["FrozenTrial"]:
        trials = self._study.get_trials(deepcopy=False)
        told = [trials[number] for numbers in rounds for number in numbers]
        if not all(trial.state.is_finished() for trial in told):
            raise SearchError(f"Round {len(rounds)} cannot be asked before all recipes of the earlier rounds are told.")
        return told

    def _ask(
        self, space: Recipe, rounds: Sequence[Sequence[int]], size: int, first: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """Sample a round and write it; the mark that makes it count comes last."""
        from optuna.trial import TrialState, create_trial

        told = self._told(rounds)
        self._fail_stale({trial.number for trial in told})
        proposed = propose(
            space,
            told,
            seed=self._seed,
            round_number=len(rounds),
            size=size,
            first=first,
            maximize=self.higher_is_better,
        )
        for trial in proposed:
            self._study.add_trial(
                create_trial(state=TrialState.RUNNING, params=trial.params, distributions=trial.distributions)
            )
        numbers = [trial.number for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))]
        self._study.set_user_attr(f"bridle round {len(rounds)}", numbers)
        return numbers

    def _fail_stale(self, counted: set[int]) -> None:
        """Close the trials of a round that was killed while it was written."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number not in counted:
                self._study.tell(trial.number, state=TrialState.FAIL)

    def _check_space(self, space: Recipe) -> None:
        text = toml.dumps(space)
        known = self._study.user_attrs.get("bridle space")
        if known is None:
            self._study.set_user_attr("bridle space", text)
        elif known != text:
            raise SearchError(
                f"The study {self._study.study_name!r} in {self._url} was begun with another space. Go on with the "
                "recipe that it was begun with, or give this search another name or folder."
            )
