"""The whole job: load, split, search, refit, open the sealed test, report."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridle.core import Recipe, toml
from bridle.data.dataset import Dataset
from bridle.data.load import Options, load_pair
from bridle.data.sealed import SealedTest, split_test
from bridle.engine.check import check_model, check_recipe
from bridle.engine.process import cores
from bridle.engine.trained import trained
from bridle.errors import DataError, ModelError, RecipeError, RunError
from bridle.job import model_file, pictures, spool
from bridle.job.ask import Ask
from bridle.job.choose import Chosen, choose
from bridle.job.context import Context
from bridle.job.gallery import gallery
from bridle.job.progress import Progress, Silent
from bridle.job.run import Run, load
from bridle.job.summary import evidence_of
from bridle.job.tested import predict, refit, score
from bridle.job.trainer import Trainer
from bridle.job.workspace import Workspace
from bridle.metrics import catalogue as metrics
from bridle.metrics.metric import Metric
from bridle.population import Crew
from bridle.records import Evidence, Kind, Task, serial
from bridle.regularizers.catalogue import load_recipe, parse_recipe
from bridle.report.html import write_html
from bridle.search.selection import Rule
from bridle.search.space import default_space

HEAVY = 3 * 32 * 32
"""Larger images train with all cores in one process, smaller examples with one thread in each of several."""


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
    select: Rule = "one-se",
    seeds: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
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
        budget: Wall time of the search with its baselines, for example ``"10m"``.
        select: ``"one-se"`` or ``"best"``.
        seeds: How many seeds are refitted and tested: 5 after a search, 1 where nothing is free.
        seed: The first seed.
        out: The run folder, which must not exist; by default ``runs/<name of the data>``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        workers: Processes that train at once; by default as many as there are cores.
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
        select=select,
        seeds=seeds,
        seed=seed,
        out=out,
        device=device,
        workers=workers,
        progress=progress,
        **options,
    )
    return _run(workspace, ask, model, loss, progress)


def start(
    data: Any,
    recipe: Recipe | str | Path | None,
    *,
    progress: Progress,
    model: Any = None,
    loss: Any = None,
    test: Any = None,
    metric: str | None = None,
    folds: int = 5,
    trials: int | None = None,
    budget: str | None = None,
    select: Rule = "one-se",
    seeds: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    **options: Any,
) -> tuple[Workspace, Ask]:
    """Read the data, check what was asked, and make the run folder: all that :func:`resume` needs is in it then."""
    space = _recipe(recipe)
    ask = Ask(
        data=str(data) if isinstance(data, str | Path) else "data from Python",
        metric=metric or "",
        folds=folds,
        trials=trials,
        budget=budget,
        select=select,
        seeds=(1 if space is not None and not space.is_space else 5) if seeds is None else seeds,
        seed=seed,
        device=_device(device),
        model=_named(model),
        loss=_named(loss),
        workers=workers or 0,
    )
    dataset, own_test = load_pair(data, test, Options(**_ready(options)))
    for note in dataset.notes:
        progress.say(note)
    space = space or default_space(dataset.layout, len(dataset))
    check_recipe(space, dataset.layout)
    metric_of(ask, dataset.layout.task)
    workspace = Workspace.create(out, data)
    spool.save(dataset, workspace.folder / "data")
    if own_test is not None:
        spool.save(own_test, workspace.folder / "data" / "test")
    workspace.write("space.toml", toml.dumps(space))
    workspace.save_ask(ask)
    return workspace, ask


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
    for what, named, given in (("model", ask.model, model), ("loss", ask.loss, loss)):
        if named != _named(given):
            wanted = f"with {what} {named!r}" if named else f"without a {what} of its own"
            raise RunError(
                f"This run was started {wanted}; name the same again to resume it. Got {_named(given) or 'none'!r}."
            )
    return _run(workspace, ask, model, loss, progress or Silent())


def _run(workspace: Workspace, ask: Ask, model: Any, loss: Any, progress: Progress) -> Run:
    started = time.perf_counter()
    job = open_job(workspace, ask, model, loss, progress)
    if job.space.is_space and ask.budget is None and ask.trials is None:
        progress.say(f"Searching {len(job.space.free())} free dials on {ask.folds} folds of {len(job.rows)} rows.")
    try:
        check_model(job.space, job.setting)
        chosen = choose(job) if job.space.is_space else None
        recipes = dict(chosen.recipes) if chosen else {"chosen": job.space}
        if chosen:
            recipes["floor"] = _floor(chosen)
        evidence = _prove(job, chosen, recipes, started)
    finally:
        job.crew.dismiss()
    workspace.write("recipe.toml", evidence.recipe)
    write_html(evidence, workspace.folder)
    workspace.write("evidence.json", serial.dumps(evidence))
    workspace.clear()
    return load(workspace.folder, model=model)


def open_job(workspace: Workspace, ask: Ask, model: Any, loss: Any, progress: Progress) -> Context:
    """The job of a run folder, ready to work."""
    data = workspace.folder / "data"
    dataset = spool.load(data)
    metric = metric_of(ask, dataset.layout.task)
    rows, sealed = _split(dataset, data, ask)
    heavy = dataset.layout.kind is Kind.IMAGE and int(np.prod(dataset.layout.shape)) >= HEAVY
    alone = heavy or ask.device != "cpu"
    workers = 1 if alone else (ask.workers or cores())
    threads = cores() if alone else 1
    trainer = Trainer(workspace.folder.resolve(), metric.name, model, loss, ask.device, threads, os.getpid())
    return Context(
        ask=ask,
        workspace=workspace,
        space=parse_recipe(workspace.read("space.toml"), "space.toml"),
        dataset=dataset,
        rows=rows,
        sealed=sealed,
        metric=metric,
        setting=trainer.setting(),
        crew=Crew(trainer, workers),
        workers=workers,
        threads=threads,
        progress=progress,
    )


def metric_of(ask: Ask, task: Task) -> Metric:
    """The metric that was asked for, or the default of the task."""
    return metrics.find(ask.metric, task) if ask.metric else metrics.default(task)


def _split(dataset: Dataset, data: Path, ask: Ask) -> tuple[np.ndarray[Any, Any], SealedTest]:
    if (data / "test").is_dir():
        return np.arange(len(dataset), dtype=np.int64), SealedTest.of(spool.load(data / "test"))
    return split_test(dataset, ask.share, ask.seed)


def _floor(chosen: Chosen) -> Recipe:
    """Logistic or linear regression, trained as the baseline without regularization is."""
    return chosen.recipes["none"]


def _prove(job: Context, chosen: Chosen | None, recipes: dict[str, Recipe], started: float) -> Evidence:
    """Refit, open the sealed test once, and write down what was found."""
    began = time.perf_counter()
    refits = refit(job, recipes)
    job.seconds["refit"] = time.perf_counter() - began
    job.progress.say("Opening the sealed test set.")
    test, rows = job.sealed.open("the final score")
    predicted = predict(job, refits, test, rows)
    tested, comparisons = score(job, recipes, refits, predicted, test, rows)
    final = next(member for member, outcome in refits["chosen"] if outcome.failure is None)
    model = trained(final, job.setting)
    layout, custom = job.dataset.layout, job.setting.loss is not None
    model_file.save(job.workspace, model, layout, model=job.ask.model, seed=final.seed, custom_loss=custom)
    job.seconds["total"] = time.perf_counter() - started
    return evidence_of(
        job,
        chosen,
        toml.dumps(recipes["chosen"]),
        tested=tested,
        comparisons=comparisons,
        confusion=pictures.confusion(test, rows, predicted["chosen"]),
        residuals=pictures.residuals(test, rows, predicted["chosen"]),
        histograms=pictures.histograms(final, job.setting),
        gallery=gallery(
            job.dataset, model.preprocessing, recipes["chosen"], job.rows, job.workspace.folder, job.ask.seed
        ),
    )


def _recipe(recipe: Recipe | str | Path | None) -> Recipe | None:
    if recipe is None or isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, str | Path):
        return load_recipe(recipe)
    raise RecipeError(f"recipe must be a bridle.Recipe or the path of a TOML file; got {type(recipe).__name__}.")


def _named(thing: Any) -> str:
    return "" if thing is None else thing if isinstance(thing, str) else "python"


def _ready(options: dict[str, Any]) -> dict[str, Any]:
    ready: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
    }
    if ready.get("task") is not None:
        ready["task"] = _task(ready["task"])
    return {name: value for name, value in ready.items() if value is not None}


def _device(name: str) -> str:
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}") from None
    return chosen


def _task(name: str) -> Task:
    try:
        return Task(name)
    except ValueError:
        raise DataError(f"task must be one of {', '.join(Task)}; got {name!r}.") from None
