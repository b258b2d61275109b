"""What a user asked for: every option of a job, as it is stored in the run folder for ``--resume``."""

from dataclasses import dataclass, field, replace
from typing import final, get_args

from bridle.choosing.database import without_password
from bridle.choosing.selection import Rule
from bridle.choosing.strategies import Name
from bridle.errors import SearchError


@final
@dataclass(frozen=True)
class Ask:
    """The options of one job.

    Args:
        data: The path or bundled name, or a word for what came from Python.
        metric: The metric that chooses; empty for the task's default.
        folds: Number of folds, at least 2.
        trials: How many recipes a search tries; ``None`` for a number that fits the data, or what the budget allows.
        budget: What the search may take, or ``None``: wall time with its baselines, as ``"10m"``; or, without them,
            epochs over all folds or recipes, as ``"500 epochs"`` or ``"20 trials"``.
        strategy: Which recipes the search tries, and how far: ``"tpe"``, ``"random"``, ``"grid"``, ``"halving"``,
            ``"hyperband"`` or ``"path"``.
        points: Points of each range of a grid (5 by default), or strengths of a path (20).
        repeats: How often the rows are divided into folds anew.
        study: The database of a study that several searches share: a URL. Empty for one in the run folder.
        study_name: The study's name there; empty for one in the run folder.
        search: Tells this search from the others of a shared study.
        select: ``"one-se"`` or ``"best"``.
        seeds: How many seeds are refitted and tested.
        seed: The first seed; it also keys the split and the search.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` ...
        model: ``"pkg.mod:name"``, ``"python"`` for an object given from Python, or empty for the default.
        loss: Likewise.
        workers: Processes that train at once; 0 for as many as there are cores.
        compiled: Whether packs compile their gradients.
        attribute: Whether to tell what each regularizer of the recipe is worth.
        prune: Whether to leave out what is not needed.
        learning_curve: Whether to tell what more data would buy.
        stability: Whether to tell how often each feature survives.
        share: The share of the rows that is sealed as test set, where there is none of its own; 0 seals nothing.
        spread: Whether a class with fewer rows than folds is spread over some of them, in place of an error.
        search_seeds: How many seeds the search trains each recipe with on every fold.
        nested: Outer folds of nested cross-validation; 0 for none.
        ensemble: Whether the chosen recipe's fold members are kept and tested as an ensemble.
        laplace: Whether strengths of L2 by the marginal likelihood are shown beside the choice.
    """

    data: str
    metric: str = ""
    folds: int = 5
    trials: int | None = None
    budget: str | None = None
    strategy: Name = "tpe"
    points: int | None = None
    repeats: int = 1
    study: str = ""
    study_name: str = ""
    search: str = ""
    select: Rule = "one-se"
    seeds: int = 5
    seed: int = 0
    device: str = "auto"
    model: str = ""
    loss: str = ""
    workers: int = 0
    compiled: bool = False
    attribute: bool = False
    prune: bool = False
    learning_curve: bool = False
    stability: bool = False
    share: float = field(default=0.2)
    spread: bool = False
    search_seeds: int = 1
    nested: int = 0
    ensemble: bool = False
    laplace: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        least = {"folds": 2, "repeats": 1, "seeds": 1, "seed": 0, "trials": 1, "points": 1, "workers": 0}
        least |= {"search_seeds": 1, "nested": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise SearchError(f"{name} must be at least {low}; got {value}.")
        if self.nested == 1:
            raise SearchError("nested must be 0 (none) or at least 2 outer folds; got 1.")
        if self.select not in ("one-se", "best"):
            raise SearchError(f"select must be 'one-se' or 'best'; got {self.select!r}.")
        if self.strategy not in get_args(Name):
            raise SearchError(f"strategy must be one of {', '.join(get_args(Name))}; got {self.strategy!r}.")
        if self.trials and self.budget and "trials" in self.budget:
            raise SearchError(f"trials = {self.trials} and budget = {self.budget!r} say the same twice; give one.")

    def public(self) -> "Ask":
        """The same as it may be stored and shown: without the password of a database."""
        return replace(self, study=without_password(self.study))
