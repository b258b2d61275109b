"""What the stages of one job share."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from numpy.typing import NDArray

from bridle.choosing.strategy import Evaluate
from bridle.core import Recipe, StopRule
from bridle.data.dataset import Dataset
from bridle.data.folds import make_folds, with_watch
from bridle.data.sealed import SealedTest
from bridle.engine.packs import modes
from bridle.engine.setting import Setting
from bridle.job.ask import Ask
from bridle.job.progress import Progress
from bridle.job.workspace import Workspace
from bridle.metrics.metric import Metric
from bridle.population import Crew, Member
from bridle.records import Finding, Fold, Laplace, Outcome


@final
@dataclass(eq=False)
class Context:
    """One job at work.

    Args:
        ask: What was asked.
        workspace: Its folder.
        space: The recipe or space.
        dataset: All rows.
        rows: The rows that are not sealed.
        sealed: The sealed test rows.
        metric: The metric that chooses.
        setting: What all members share, in this process.
        crew: Trains members.
        workers: Processes that train at once.
        threads: Threads of each.
        progress: Is told what happens.
        seconds: Wall time by stage.
        findings: What was noticed.
        openings: How often the sealed test set was opened.
        prefix: What its stages' names begin with, where it is a search within another.
        laplace: Strengths by the marginal likelihood, where they were asked for.
        modes: The ways in which members train that were told already.
    """

    ask: Ask
    workspace: Workspace
    space: Recipe
    dataset: Dataset
    rows: NDArray[Any]
    sealed: SealedTest
    metric: Metric
    setting: Setting
    crew: Crew
    workers: int
    threads: int
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    openings: int = 0
    prefix: str = ""
    laplace: Laplace | None = None
    modes: list[str] = field(default_factory=list)

    def folds(self) -> list[Fold]:
        """The folds of the search and of its baselines."""
        ask = self.ask
        return make_folds(self.dataset, self.rows, ask.folds, ask.seed, ask.repeats, spread=ask.spread)

    def search_seeds(self) -> range:
        """The seeds that each recipe of the search is trained with on every fold."""
        return range(self.ask.seed, self.ask.seed + self.ask.search_seeds)

    def member(self, stage: str, number: int, recipe: Recipe, fold: Fold, seed: int, **others: Any) -> Member:
        """The member of one recipe, fold and seed of a stage: asked for again, it is found under the same name."""
        return Member(number, recipe, self.watched(fold, recipe), seed, stage=f"{self.prefix}{stage}", **others)

    def watched(self, fold: Fold, recipe: Recipe) -> Fold:
        """The fold with a tenth of its training rows marked for patience, where the recipe has a stop rule."""
        return with_watch(fold, self.dataset, self.ask.seed) if recipe.of(StopRule) else fold

    def on_folds(self, stage: str, folds: Sequence[Fold], best: Callable[[], str] = str) -> Evaluate:
        """A function that trains numbered recipes on all folds and gives their outcomes by number.

        Args:
            stage: The stage's name.
            folds: The folds.
            best: Gives the note to show beside the bar.
        """
        kept: dict[tuple[int, int, int], str] = {}

        def evaluate(
            recipes: Sequence[tuple[int, Recipe]], *, until: int = 0, keep: bool = False, warm: int | None = None
        ) -> dict[int, tuple[Outcome, ...]]:
            members = [
                self.member(
                    stage,
                    number,
                    recipe,
                    fold,
                    seed,
                    keep=keep,
                    until=until,
                    warm="" if warm is None else kept[warm, fold.number, seed],
                )
                for number, recipe in recipes
                for fold in folds
                for seed in self.search_seeds()
            ]
            found: dict[int, list[Outcome]] = defaultdict(list)
            for trained, outcome in self.crew(members):
                found[trained.candidate].append(outcome)
                kept[trained.candidate, trained.fold.number, trained.seed] = trained.name
                if outcome.failure:
                    self.progress.say(f"{stage}, recipe {trained.candidate}, fold {outcome.fold}: {outcome.failure}")
                self.progress.advance(1, best())
            self._tell_modes()
            in_order = {number: sorted(of, key=lambda item: (item.fold, item.seed)) for number, of in found.items()}
            return {number: tuple(in_order[number]) for number, _ in recipes}

        return evaluate

    def _tell_modes(self) -> None:
        for mode in modes.told(self.setting):
            if mode not in self.modes:
                self.modes.append(mode)
                self.progress.say(f"Members train {mode}.")
