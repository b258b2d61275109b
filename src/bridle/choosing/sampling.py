"""The study: what a search asked and was told, kept in a database, in rounds that survive being killed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

from bridle.choosing._distributions import distributions
from bridle.choosing.database import Database
from bridle.choosing.strategies import Round, Strategy
from bridle.core import Recipe, toml
from bridle.errors import SearchError

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def _silent(_: str) -> None:
    """Tells nobody."""


def open_study(
    storage: Path | str,
    name: str,
    seed: int,
    *,
    higher_is_better: bool,
    search: str = "",
    terms: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = _silent,
) -> "Study":
    """The study called ``name``: a new one, or the one that is there, to go on with or to share.

    Several searches, of several processes or machines, may work on one study at a time. Each asks its own rounds and
    tells its own recipes; what all of them were told counts in what it asks next.

    Args:
        storage: A SQLite file, made where it is missing, or the URL of a database.
        name: The study's name in the database.
        seed: The seed of all its rounds.
        higher_is_better: Which way the metric points.
        search: Tells this search from the others of the study; the same again goes on with it. Empty where it has the
            study to itself.
        terms: What else all searches of the study must have in common, so that their scores can be compared.
        say: Is told, in a sentence, when the database has to be waited for.

    Raises:
        StorageError: If the database cannot be opened.
        SearchError: If the study is there with another seed, direction or term, or was not made by Bridle.
    """
    import optuna

    database = Database(storage, say, alone=not search)
    wanted = optuna.study.StudyDirection.MAXIMIZE if higher_is_better else optuna.study.StudyDirection.MINIMIZE
    agreed = {"seed": seed, **(terms or {})}

    def opened() -> optuna.study.Study:
        study = optuna.create_study(storage=database.storage, study_name=name, direction=wanted, load_if_exists=True)
        where = f"The study {name!r} in {database.name}"
        if study.direction != wanted:
            raise SearchError(f"{where} was told a metric that points the other way. Give this search another name.")
        if "bridle terms" not in study.user_attrs:
            if study.get_trials(deepcopy=False):
                raise SearchError(f"{where} was not made by Bridle. Give this search another name.")
            study.set_user_attr("bridle terms", agreed)
        known = study.user_attrs["bridle terms"]
        for term in {**known, **agreed}:
            if known.get(term) != agreed.get(term):
                raise SearchError(
                    f"{where} was begun with {term} {known.get(term)}; got {agreed.get(term)}. Give the same to go on, "
                    "or this search another name."
                )
        return study

    try:
        return Study(database(opened), database, seed, search)
    except BaseException:
        database.close()
        raise


@final
class Study:
    """What a search asked and was told. :func:`open_study` makes it.

    A round is asked as a whole: its trials are written first and one last entry makes them count, so a search that was
    killed in between asks the round anew, with the same result where it has the study to itself. A round that counts is
    returned as it was asked. A search touches no trial but its own.
    """

    def __init__(self, study: "optuna.study.Study", database: Database, seed: int, search: str) -> None:
        self._study = study
        self._database = database
        self._seed = seed
        self._search = search
        self._trials: dict[int, FrozenTrial] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @property
    def higher_is_better(self) -> bool:
        """Which way the metric points."""
        return self._study.direction.name == "MAXIMIZE"

    def ask_round(
        self, space: Recipe, round_number: int, size: int, strategy: Strategy, first: Sequence[Mapping[str, Any]] = ()
    ) -> list[tuple[int, dict[str, Any]]]:
        """The numbers and values of one round's recipes.

        Args:
            space: The recipe with free dials; the same for all rounds of a study.
            round_number: The round, counted from 0; all earlier rounds must have been asked and told.
            size: How many recipes to ask. Fewer come where there are no more, and as many as were asked at the time
                where the round counts already.
            strategy: Proposes them.
            first: Values for the round's first recipes; what they leave open is the strategy's.

        Raises:
            SearchError: If the study was begun with another space, or an earlier round is not told.
            StorageError: If the database fails.
        """

        def asked() -> list[tuple[int, dict[str, Any]]]:
            self._check_space(space)
            rounds = self._asked()
            if len(rounds) < round_number:
                raise SearchError(f"Round {round_number} cannot be asked before round {len(rounds)}.")
            if len(rounds) == round_number:
                rounds.append(self._ask(space, rounds, size, strategy, first))
            start = sum(len(numbers) for numbers in rounds[:round_number])
            numbered = dict(enumerate(rounds[round_number], start))
            trials = self._by_number()
            own = {number: trials[at] for number, at in numbered.items()}
            self._trials |= own
            return [(number, dict(trial.params)) for number, trial in own.items()]

        return self._database(asked)

    def tell(self, number: int, value: float | None, failure: str | None = None, until: int = 0) -> None:
        """The score of recipe ``number``, or why it failed. Told once more, nothing changes.

        Args:
            number: The recipe.
            value: Its score, ``None`` where it failed.
            failure: Why it failed.
            until: The epoch at which it was dropped, 0 where it was trained to its end.

        Raises:
            StorageError: If the database fails.
        """
        from optuna.trial import TrialState

        at, own = self._trials[number].number, self._trials[number]._trial_id

        def told() -> None:
            if self._database.storage.get_trial(own).state.is_finished():
                return
            if failure is not None or value is None:
                self._study.tell(at, state=TrialState.FAIL, skip_if_finished=True)
            elif until:
                self._database.storage.set_trial_intermediate_value(own, until, value)
                self._study.tell(at, state=TrialState.PRUNED, skip_if_finished=True)
            else:
                self._study.tell(at, value, skip_if_finished=True)

        self._database(told)

    def record_seconds(self, round_number: int, seconds: float) -> float:
        """Keep the wall time of a round; the time recorded first counts and is returned."""

        def recorded() -> float:
            known = self._study.user_attrs.get(self._mark(f"seconds {round_number}"))
            if known is None:
                self._study.set_user_attr(self._mark(f"seconds {round_number}"), seconds)
            return seconds if known is None else float(known)

        return self._database(recorded)

    def _mark(self, what: str) -> str:
        return f"bridle {self._search} {what}" if self._search else f"bridle {what}"

    def _by_number(self) -> dict[int, "FrozenTrial"]:
        return {trial.number: trial for trial in self._study.get_trials(deepcopy=False)}

    def _asked(self) -> list[list[int]]:
        """This search's rounds that count: the numbers of their trials in the database."""
        marks = self._study.user_attrs
        rounds: list[list[int]] = []
        while (numbers := marks.get(self._mark(f"round {len(rounds)}"))) is not None:
            rounds.append(numbers)
        return rounds

    def _ask(
        self,
        space: Recipe,
        rounds: Sequence[Sequence[int]],
        size: int,
        strategy: Strategy,
        first: Sequence[Mapping[str, Any]],
    ) -> list[int]:
        """Have a round proposed and write it; the mark that makes it count comes last."""
        from optuna.trial import TrialState, create_trial

        own = {number for numbers in rounds for number in numbers}
        trials = self._by_number()
        if not all(trials[number].state.is_finished() for number in own):
            raise SearchError(f"Round {len(rounds)} cannot be asked before all recipes of the earlier rounds are told.")
        for trial in self._uncounted(own):
            self._study.tell(trial.number, state=TrialState.FAIL)
        counted = self._counted()
        proposed = strategy.propose(
            Round(
                space=space,
                number=len(rounds),
                start=len(own),
                size=size,
                told=[trial for trial in trials.values() if trial.number in counted and trial.state.is_finished()],
                running=[trial for trial in trials.values() if trial.number in counted - own and _runs(trial)],
                first=first,
                seed=self._seed,
                search=self._search,
                maximize=self.higher_is_better,
            )
        )
        free = distributions(space)
        for values in proposed:
            own_free = {address: free[address] for address in values}
            attributes = {"bridle search": self._search}
            self._study.add_trial(
                create_trial(state=TrialState.RUNNING, params=values, distributions=own_free, user_attrs=attributes)
            )
        numbers = [trial.number for trial in self._uncounted(own)]
        self._study.set_user_attr(self._mark(f"round {len(rounds)}"), numbers)
        return numbers

    def _counted(self) -> set[int]:
        """The trials that count, of all searches: the others were left by a search that was killed while it asked."""
        marks = self._study.user_attrs
        rounds = [value for name, value in marks.items() if name.startswith("bridle ") and " round " in f" {name[7:]}"]
        return {number for numbers in rounds for number in numbers}

    def _uncounted(self, counted: set[int]) -> list["FrozenTrial"]:
        """This search's trials of a round that is being written, or was when it was killed."""
        trials = self._by_number().values()
        mine = [trial for trial in trials if trial.user_attrs.get("bridle search") == self._search and _runs(trial)]
        return [trial for trial in mine if trial.number not in counted]

    def _check_space(self, space: Recipe) -> None:
        text = toml.dumps(space)
        if "bridle space" not in self._study.user_attrs:
            self._study.set_user_attr("bridle space", text)
        if self._study.user_attrs["bridle space"] != text:
            raise SearchError(
                f"The study {self._study.study_name!r} in {self._database.name} was begun with another space. Go on "
                "with the recipe that it was begun with, or give this search another name or folder."
            )


def _runs(trial: "FrozenTrial") -> bool:
    return not trial.state.is_finished()
