"""The whole job: load, split, search, refit, open the sealed test, report."""

import math
import time
from pathlib import Path
from typing import Any

from bridle.choosing.selection import Rule
from bridle.choosing.strategies import Name
from bridle.core import Recipe, toml
from bridle.engine.check import check_model
from bridle.engine.trained import trained
from bridle.errors import BridleError, RunError, StorageError
from bridle.job import model_file, pictures
from bridle.job.ask import Ask
from bridle.job.audited import audited
from bridle.job.choose import Chosen, choose
from bridle.job.context import Context
from bridle.job.ensemble import score_ensemble, train_ensemble
from bridle.job.gallery import gallery
from bridle.job.inquiry import answer, check
from bridle.job.laplace import by_evidence, laplace_recipes
from bridle.job.log import Logged
from bridle.job.progress import Progress, Silent
from bridle.job.run import Run, load
from bridle.job.start import named, open_job, start
from bridle.job.summary import evidence_of
from bridle.job.sure import how_sure, outer_folds
from bridle.job.tested import predict, refit, score
from bridle.job.workspace import Workspace
from bridle.records import Evidence, serial
from bridle.regularizers.penalties import L2
from bridle.report.html import write_html

FLOOR_RATE, FLOOR_STRENGTH, FLOOR_STEPS, FLOOR_BATCH = 1e-2, 1e-4, 1000, 64
"""The linear floor gets at least so many steps, however few the network gets: it must not look worse than it is."""


def fit(
    data: Any,
    recipe: Recipe | str | Path | None = None,
    *,
    model: Any = None,
    loss: Any = None,
    test: Any = None,
    metric: str | None = None,
    folds: int = 5,
    trials: int | None = None,
    budget: str | None = None,
    strategy: Name = "tpe",
    points: int | None = None,
    repeats: int = 1,
    study: str | Path | None = None,
    study_name: str = "bridle",
    select: Rule = "one-se",
    search_seeds: int = 1,
    nested: int = 0,
    ensemble: bool = False,
    seeds: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    compiled: bool = False,
    attribute: bool = False,
    prune: bool = False,
    learning_curve: bool = False,
    stability: bool = False,
    laplace: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Run:
    """Search what is free, refit, open the sealed test, report: the whole job.

    Args:
        data: A path or bundled name, ``(X, y)``, ``(frame, "target")`` or a torch data set.
        recipe: A recipe, or with free dials a space, or the path of one; by default a space that fits the data.
            Nothing free in it means one training and no search.
        model: A factory (``make_net()`` or ``make_net(example, outputs)``), an instance that is copied and
            re-initialised, or ``"pkg.mod:name"``; by default a network for the data's kind.
        loss: A function of (output, target) that gives one value per example, or ``"pkg.mod:name"``.
        test: Test data of its own, sealed; by default a fifth of the rows is.
        metric: The metric that chooses; by default log-loss, or RMSE.
        folds: Number of folds, at least 2.
        trials: How many recipes to try; by default a number that fits the data.
        budget: Wall time of the search with its baselines, for example ``"10m"``; or epochs over all folds, or recipes,
            without the baselines: ``"500 epochs"``, ``"20 trials"``.
        strategy: ``"tpe"``, ``"random"``, ``"grid"``, ``"halving"``, ``"hyperband"`` or ``"path"``
            (see :mod:`bridle.choosing.strategies`).
        points: Points of each range of a grid (5 by default), or strengths of a path (20).
        repeats: How often the rows are divided into folds anew.
        study: A SQLite file or the URL of a database (``postgresql://...``), where several searches share a study; by
            default the search has one to itself, in its run folder. A password in the URL is not stored.
        study_name: The study's name there.
        select: ``"one-se"`` or ``"best"``.
        search_seeds: How many seeds the search trains each recipe with on every fold.
        nested: Outer folds of nested cross-validation, which repeats the whole search on the training rows of each and
            scores its choice on the others; 0 for none. It takes about so many times longer.
        ensemble: Whether the chosen recipe's fold members are kept, tested by their mean and saved in the run.
        seeds: How many seeds are refitted and tested: 5 after a search, 1 where nothing is free.
        seed: The first seed.
        out: The run folder, which must not exist; by default ``runs/<name of the data>``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        workers: Processes that train at once; by default as many as there are cores.
        compiled: Whether packs compile their gradients, which takes each process some ten seconds at first and pays in
            searches of many minutes; a compiler must be there.
        attribute: Also tell what each regularizer of the recipe is worth, see :func:`bridle.attribute`.
        prune: Leave out of the refit what is not needed; this attributes, too.
        learning_curve: Also tell what more data would buy, see :func:`bridle.learning_curve`.
        stability: Also tell how often each feature of a table survives, see :func:`bridle.stability`.
        laplace: Whether a recipe with L2 by layer from the marginal likelihood, chosen without validation data, is
            tested beside the choice; see :func:`bridle.marginal_likelihood`.
        progress: Is told what happens.
        **options: How to read the data: ``target``, ``task``, ``size``, ``drop``, ``categorical``, ``group``,
            ``time``, ``weights``, ``bad_images`` (see :class:`bridle.data.load.Options`).

    Raises:
        BridleError: For whatever the user can mend; the message says how.
    """
    progress = progress or Silent()
    workspace, ask = start(
        data,
        recipe,
        model=model,
        loss=loss,
        test=test,
        metric=metric,
        folds=folds,
        trials=trials,
        budget=budget,
        strategy=strategy,
        points=points,
        repeats=repeats,
        study=study,
        study_name=study_name,
        select=select,
        search_seeds=search_seeds,
        nested=nested,
        ensemble=ensemble,
        seeds=seeds,
        seed=seed,
        out=out,
        device=device,
        workers=workers,
        compiled=compiled,
        attribute=attribute,
        prune=prune,
        learning_curve=learning_curve,
        stability=stability,
        laplace=laplace,
        progress=progress,
        **options,
    )
    try:
        return _run(workspace, ask, model, loss, progress)
    except BridleError as error:
        if not isinstance(error, StorageError):
            workspace.forget_unless_trained()
        raise


def resume(folder: str | Path, *, model: Any = None, loss: Any = None, progress: Progress | None = None) -> Run:
    """Go on with a run that was interrupted; one that is finished is returned as it is.

    With a budget in trials or epochs the result is that of an undisturbed run.

    Args:
        folder: The run folder.
        model: The model again, where the run was started with one of the user's own.
        loss: The loss again, likewise.
        progress: Is told what happens.

    Raises:
        RunError: If there is no run, or its own model or loss is not named again.
    """
    workspace = Workspace.open(folder)
    if workspace.finished:
        return load(folder, model=model)
    ask = workspace.ask()
    for what, known, given in (("model", ask.model, model), ("loss", ask.loss, loss)):
        if known != named(given):
            wanted = f"with {what} {known!r}" if known else f"without a {what} of its own"
            raise RunError(
                f"This run was started {wanted}; name the same again to resume it. Got {named(given) or 'none'!r}."
            )
    return _run(workspace, ask, model, loss, progress or Silent())


def _run(workspace: Workspace, ask: Ask, model: Any, loss: Any, progress: Progress) -> Run:
    started = time.perf_counter()
    progress = Logged(progress, workspace.folder / "log.txt")
    job = open_job(workspace, ask, model, loss, progress)
    if job.space.is_space:
        progress.say(f"Searching {len(job.space.free())} free dials on {ask.folds} folds of {len(job.rows)} rows.")
    try:
        check_model(job.space, job.setting)
        check(job)
        job.laplace = by_evidence(job)
        if ask.nested:
            outer_folds(job)
        chosen = choose(job) if job.space.is_space else None
        recipes = (dict(chosen.recipes) if chosen else {"chosen": job.space}) | laplace_recipes(job)
        if chosen:
            recipes["floor"] = _floor(chosen, len(job.rows))
        recipes["chosen"], further = answer(job, chosen, recipes["chosen"])
        sure = how_sure(job, chosen) if chosen else {}
        evidence = _prove(job, chosen, recipes, sure | further, started)
    finally:
        job.crew.dismiss()
    workspace.write("recipe.toml", evidence.recipe)
    write_html(evidence, workspace.folder)
    workspace.write("evidence.json", serial.dumps(evidence))
    workspace.clear()
    return load(workspace.folder, model=model)


def _floor(chosen: Chosen, rows: int) -> Recipe:
    """Logistic or linear regression, lightly penalised, trained for all the epochs that a network gets or longer."""
    training = chosen.recipes["none"].training.replace(stop_after=0, learning_rate=FLOOR_RATE)
    if training.epochs * rows < FLOOR_STEPS * training.batch_size:
        size = min(training.batch_size, FLOOR_BATCH)
        training = training.replace(batch_size=size, epochs=max(training.epochs, math.ceil(FLOOR_STEPS * size / rows)))
    return Recipe(L2(FLOOR_STRENGTH), training=training)


def _prove(
    job: Context, chosen: Chosen | None, recipes: dict[str, Recipe], further: dict[str, Any], started: float
) -> Evidence:
    """Refit, open the sealed test once, and write down what was found."""
    began = time.perf_counter()
    refits = refit(job, recipes, chosen.before if chosen else ())
    fold_members = train_ensemble(job, recipes["chosen"]) if job.ask.ensemble else []
    job.seconds["refit"] = time.perf_counter() - began
    job.progress.say("Opening the sealed test set.")
    job.openings = job.workspace.count_opening("the final score")
    test, rows = job.sealed.open("the final score")
    predicted = predict(job, refits, test, rows)
    final_predictions = list(predicted["chosen"].values())
    tested, comparisons = score(job, recipes, refits, predicted, test, rows)
    if fold_members:
        mean, against = score_ensemble(job, recipes["chosen"], fold_members, final_predictions, test, rows)
        tested, comparisons = (*tested, mean), (*comparisons, against)
    final, ended = next(pair for pair in refits["chosen"] if pair[1].failure is None)
    model = trained(final, job.setting)
    layout, custom = job.dataset.layout, job.setting.loss is not None
    model_file.save(job.workspace, model, layout, model=job.ask.model, seed=final.seed, custom_loss=custom)
    audit = audited(job, final, ended, chosen, (test, rows))
    job.seconds["total"] = time.perf_counter() - started
    return evidence_of(
        job,
        chosen,
        toml.dumps(recipes["chosen"]),
        audit=audit,
        tested=tested,
        comparisons=comparisons,
        confusion=pictures.confusion(test, rows, final_predictions),
        residuals=pictures.residuals(test, rows, final_predictions),
        histograms=pictures.histograms(final, job.setting),
        gallery=gallery(
            job.dataset, model.preprocessing, recipes["chosen"], job.rows, job.workspace.folder, job.ask.seed
        ),
        **further,
    )
