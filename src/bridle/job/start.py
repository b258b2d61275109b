"""The beginning of a job: read the data, check what was asked, make the run folder, and open it for work."""

import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridle.choosing.database import url_of
from bridle.choosing.selection import Rule
from bridle.choosing.space import default_space
from bridle.choosing.strategies import Name
from bridle.core import Noise, Recipe, toml
from bridle.data.dataset import Dataset
from bridle.data.load import load_pair
from bridle.data.sealed import SealedTest, split_test
from bridle.engine.check import check_recipe, has_places
from bridle.engine.process import cores
from bridle.engine.setting import Setting
from bridle.errors import ModelError, RecipeError, SearchError
from bridle.job import spool
from bridle.job.ask import Ask
from bridle.job.context import Context
from bridle.job.progress import Progress
from bridle.job.reading import options_of
from bridle.job.trainer import Trainer, loss_of
from bridle.job.workspace import Workspace
from bridle.metrics import catalogue as metrics
from bridle.metrics.metric import Metric
from bridle.population import Crew
from bridle.records import Kind, Task
from bridle.regularizers.catalogue import load_recipe, parse_recipe

HEAVY = 3 * 32 * 32
"""Larger images train with all cores in one process, smaller examples with one thread in each of several."""


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
    share: float = 0.2,
    spread: bool = False,
    laplace: bool = False,
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
        strategy=strategy,
        points=points,
        repeats=repeats,
        study="" if study is None else url_of(study),
        study_name="" if study is None else study_name,
        search="" if study is None else uuid.uuid4().hex[:8],
        select=select,
        seeds=(1 if space is not None and not space.is_space else 5) if seeds is None else seeds,
        seed=seed,
        device=_device(device),
        model=named(model),
        loss=named(loss),
        workers=workers or 0,
        compiled=compiled,
        attribute=attribute or prune,
        prune=prune,
        learning_curve=learning_curve,
        stability=stability,
        share=share,
        spread=spread,
        search_seeds=search_seeds,
        nested=nested,
        ensemble=ensemble,
        laplace=laplace,
    )
    dataset, own_test = load_pair(data, test, options_of(options))
    for note in dataset.notes:
        progress.say(note)
    setting = Setting(dataset, metric_of(ask, dataset.layout.task), model, loss_of(loss))
    space = space or _default(setting, progress)
    if nested and not space.is_space:
        raise SearchError(
            "nested repeats a search, and nothing is free in this recipe. Free a dial, or leave nested out."
        )
    check_recipe(space, dataset.layout)
    workspace = Workspace.create(out, data)
    try:
        spool.save(dataset, workspace.folder / "data")
        if own_test is not None:
            spool.save(own_test, workspace.folder / "data" / "test")
        workspace.write("space.toml", toml.dumps(space))
        workspace.save_ask(ask)
    except BaseException:
        workspace.forget_unless_trained()
        raise
    return workspace, ask


def _default(setting: Setting, progress: Progress) -> Recipe:
    """The default space, without dropout where the user's network has no place for it."""
    space = default_space(setting.dataset.layout, len(setting.dataset))
    if setting.model is None or has_places(setting):
        return space
    progress.say("The network has no place for dropout, so none is tried; bridle.Place() or nn.Dropout makes one.")
    return space.replace(without=Noise)


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
    folder = workspace.folder.resolve()
    trainer = Trainer(folder, metric.name, model, loss, ask.device, threads, workers, os.getpid(), ask.compiled)
    return Context(
        ask=ask,
        workspace=workspace,
        space=parse_recipe(workspace.read("space.toml"), "space.toml"),
        dataset=dataset,
        rows=rows,
        sealed=sealed,
        metric=metric,
        setting=trainer.setting(),
        crew=Crew(trainer, trainer.plan, workers),
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


def _recipe(recipe: Recipe | str | Path | None) -> Recipe | None:
    if recipe is None or isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, str | Path):
        return load_recipe(recipe)
    raise RecipeError(f"recipe must be a bridle.Recipe or the path of a TOML file; got {type(recipe).__name__}.")


def named(thing: Any) -> str:
    """How a run folder names a model or a loss: its text, ``"python"`` for an object, or nothing."""
    return "" if thing is None else thing if isinstance(thing, str) else "python"


def _device(name: str) -> str:
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}") from None
    return chosen
