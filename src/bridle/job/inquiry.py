"""What is asked of a recipe beyond its choice: the worth of its regularizers, the worth of more data, what survives."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridle.choosing.attribution import regularizers_of
from bridle.choosing.learning_curve import SHARES
from bridle.choosing.stability import PAIRS, THRESHOLD, check_stability
from bridle.core import Recipe
from bridle.data.parts import halves
from bridle.engine.check import check_model
from bridle.engine.survival import check_survival
from bridle.errors import RecipeError, SearchError
from bridle.job import attribution as attributing
from bridle.job import learning_curve as curves
from bridle.job import stability as surviving
from bridle.job.choose import Chosen
from bridle.job.context import Context
from bridle.job.progress import Progress, Silent
from bridle.job.start import open_job, start
from bridle.records import Attribution, Finding, LearningCurve, Severity, Stability
from bridle.regularizers.catalogue import parse_recipe

LINEAR = "bridle.models.linear:linear"


def check(job: Context) -> None:
    """Refuse what was asked where it cannot be answered: at the door, before anything is trained.

    Raises:
        BridleError: If there are too few rows, or nothing to ask about.
    """
    if job.ask.learning_curve:
        curves.parts(job, curves.SEEDS, SHARES)
    if job.ask.stability:
        halves(job.dataset, job.rows, 1, job.ask.seed)
    if job.space.is_space:
        return
    if job.ask.attribute:
        regularizers_of(job.space)
    if job.ask.stability:
        check_survival(job.space, job.setting)


def answer(job: Context, chosen: Chosen | None, recipe: Recipe) -> tuple[Recipe, dict[str, Any]]:
    """The recipe to refit, pruned if that was asked, and the further fields of the evidence.

    After a search a question that cannot be answered costs a finding, not the run.

    Args:
        job: The job.
        chosen: What the folds said, or ``None`` where nothing was free.
        recipe: The chosen recipe as a refit trains it, or the given one.
    """
    found: dict[str, Any] = {}
    whole = recipe
    tried = recipe if chosen is None else _winner(chosen)
    if job.ask.attribute:
        with _noted(job, "no_attribution", chosen):
            found["attribution"], pruned = attributing.attribution(job, tried)
            if job.ask.prune and pruned is not tried:
                found["attribution"] = attributing.applied(found["attribution"])
                recipe = tried = pruned
    if job.ask.learning_curve:
        with _noted(job, "no_learning_curve", chosen):
            found["learning_curve"] = curves.curve(job, tried)
    if job.ask.stability:
        with _noted(job, "no_stability", chosen):
            check_survival(whole, job.setting)  # a penalty that no score needs may still choose features
            found["stability"] = surviving.by_recipe(job, whole)
    return recipe, found


def _winner(chosen: Chosen) -> Recipe:
    winner = next(item for item in chosen.candidates if item.number == chosen.choice.number)
    return parse_recipe(winner.recipe, winner.name)


@contextmanager
def _noted(job: Context, name: str, chosen: Chosen | None) -> Iterator[None]:
    try:
        yield
    except (RecipeError, SearchError) as error:
        if chosen is None:
            raise
        job.findings.append(Finding(name, Severity.WARNING, str(error)))


def attribute(
    data: Any,
    recipe: Recipe | str | Path,
    *,
    seeds: int = attributing.SEEDS,
    progress: Progress | None = None,
    **options: Any,
) -> Attribution:
    """What each regularizer of a recipe is worth, in the metric's unit: leave one out, add one in, Shapley values.

    Up to six regularizers are trained in all subsets; of more each is left out and added alone. Each of the ``seeds``
    brings its own division into folds. Every sub-recipe has the same settings and draws, and is scored at the best
    epoch of its own mean curve. The test rows stay sealed.

    Args:
        data: As for :func:`bridle.fit`.
        recipe: A recipe with nothing free, or the path of one.
        seeds: How many seeds and divisions, at least 1.
        progress: Is told what happens.
        **options: Every other option of :func:`bridle.fit` but ``out``.

    Raises:
        BridleError: For whatever the user can mend.
    """
    with _job(data, recipe, seeds, progress, options) as job:
        return attributing.attribution(job, job.space, seeds)[0]


def learning_curve(
    data: Any,
    recipe: Recipe | str | Path,
    *,
    seeds: int = curves.SEEDS,
    shares: Sequence[float] = SHARES,
    progress: Progress | None = None,
    **options: Any,
) -> LearningCurve:
    """What more data would buy: the recipe on nested parts of each fold's training rows, and a power law through it.

    Every part is scored on the same rows, sees as many examples in all, and counts at the best epoch of its own mean
    curve. The test rows stay sealed.

    Args:
        data: As for :func:`bridle.fit`.
        recipe: A recipe with nothing free, or the path of one.
        seeds: How many seeds, each with its own division into folds, at least 1.
        shares: Of a fold's training rows, three or more, ascending, the last one 1.
        progress: Is told what happens.
        **options: Every other option of :func:`bridle.fit` but ``out``.

    Raises:
        BridleError: For whatever the user can mend.
    """
    with _job(data, recipe, seeds, progress, options) as job:
        return curves.curve(job, job.space, seeds, shares)


def stability(
    data: Any,
    recipe: Recipe | str | Path | None = None,
    *,
    pairs: int = PAIRS,
    threshold: float = THRESHOLD,
    count: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Stability:
    """How often each feature of a table survives in networks trained on complementary halves of the rows.

    With a recipe, a feature survives where any weight that takes it in is not exactly zero: by L1, by a group lasso
    over inputs, or by the hierarchical lasso on ``bridle.models.skip_mlp:skip_mlp``; the network is a linear one where
    none is named. Without a recipe, it survives where it is among the last ``count`` on the path of the hierarchical
    lasso. The test rows stay sealed.

    Args:
        data: A table, as for :func:`bridle.fit`.
        recipe: A recipe with nothing free, or the path of one, or ``None`` for the path.
        pairs: Pairs of halves, at least 50.
        threshold: The frequency from which on a feature is stable, in (0.5, 1].
        count: For the path, how many features a half selects; by default as many as bound the false ones by one.
        progress: Is told what happens.
        **options: Every other option of :func:`bridle.fit` but ``out``.

    Raises:
        BridleError: For whatever the user can mend.
    """
    check_stability(pairs, threshold)
    if recipe is not None and count is not None:
        raise SearchError("count is for the path of the hierarchical lasso; a recipe's strength decides how many.")
    if options.get("model") is None:
        options["model"] = LINEAR
    path = Recipe() if recipe is None else recipe
    with _job(data, path, 1, progress, options) as job:
        if recipe is None:
            surviving.check_table(job)
            return surviving.by_path(job, count, pairs, threshold)
        check_survival(job.space, job.setting)
        return surviving.by_recipe(job, job.space, pairs, threshold)


@contextmanager
def _job(
    data: Any, recipe: Recipe | str | Path, seeds: int, progress: Progress | None, options: dict[str, Any]
) -> Iterator[Context]:
    """A job in a folder that goes when it is done."""
    if seeds < 1:
        raise SearchError(f"seeds must be at least 1; got {seeds}.")
    folder, progress = Path(tempfile.mkdtemp(prefix="bridle-")), progress or Silent()
    try:
        workspace, ask = start(data, recipe, out=folder / "run", progress=progress, **options)
        job = open_job(workspace, ask, options.get("model"), options.get("loss"), progress)
        if job.space.is_space:
            free = ", ".join(job.space.free())
            raise SearchError(f"{free} is free in this recipe: give each a value, or let bridle.fit choose first.")
        try:
            check_model(job.space, job.setting)
            yield job
        finally:
            job.crew.dismiss()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
