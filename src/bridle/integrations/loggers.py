"""A finished run in TensorBoard and MLflow: the separate series, the recipe and the report."""

import math
import re
import time
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from bridle.core.addresses import settings
from bridle.errors import RunError
from bridle.integrations import needs
from bridle.job.run import Run
from bridle.records import Curves
from bridle.report.text import print_summary

_BATCH = 1000
"""MLflow takes at most so many metrics in one call."""
_PARAMS = 100
_WIDTH = 100


def to_tensorboard(run: Run, folder: str | Path) -> tuple[Path, ...]:
    """Write a run as TensorBoard event files, one folder for each recipe and seed that was tested.

    Each holds its series as ``series/data_loss``, ``series/penalty``, ``series/terms``, ``series/clean``,
    ``series/score``, ``series/watch`` and ``series/learning_rate``, against the epoch counted from 1; a series that
    does not apply is absent. Its scores on the sealed test rows are ``test/<metric>``. The recipe, and beside the
    chosen one the report as text, are in the tab of texts.

    Args:
        run: A finished run: what :func:`bridle.fit` gives, or :func:`bridle.load`.
        folder: Where TensorBoard looks: ``tensorboard --logdir folder``.

    Returns:
        The folders that were written.

    Raises:
        RunError: If ``run`` is none, or a folder is there already.
        MissingError: If tensorboard is not installed.
    """
    _check(run, "to_tensorboard")
    with needs("to_tensorboard(...)", "bridle[tensorboard]"):
        from torch.utils.tensorboard import SummaryWriter
    written = [(Path(folder) / _word(f"{name}-{seed}"), name, seed, curves) for name, seed, curves in _trained(run)]
    for place, *_ in written:
        if place.exists():
            raise RunError(f"{str(place)!r} exists and is not written to: its series would mix. Name another folder.")
    recipes = {tested.name: tested.recipe for tested in run.evidence.tested}
    for place, name, seed, curves in written:
        with SummaryWriter(str(place)) as writer:
            for series, epoch, value in _points(curves):
                writer.add_scalar(f"series/{series}", value, epoch)
            for metric, value in _tests(run, name, seed):
                writer.add_scalar(f"test/{metric}", value, curves.epochs)
            if recipes[name]:
                writer.add_text("recipe", _verbatim(recipes[name]))
            if name == "chosen":
                writer.add_text("report", _verbatim(_report(run)))
    return tuple(place for place, *_ in written)


def to_mlflow(run: Run, *, tracking_uri: str | None = None, experiment: str = "bridle", name: str | None = None) -> str:
    """Log a run to MLflow: a run with the recipe, the scores and the report, and below it one for each training.

    The run has every setting of the recipe as a parameter by its address (``l2.strength``, ``training.epochs``), the
    scores on the sealed test rows as metrics ``test/<metric>``, and ``recipe.toml``, ``evidence.json`` and
    ``report.html`` as artifacts. The runs below it, one for each recipe and seed that was tested, have the series
    ``data_loss``, ``penalty``, ``terms``, ``clean``, ``score``, ``watch`` and ``learning_rate`` against the epoch
    counted from 1; a series that does not apply is absent. A run of yours that is active stays as it is.

    Args:
        run: A finished run: what :func:`bridle.fit` gives, or :func:`bridle.load`.
        tracking_uri: Where MLflow keeps its runs, for example ``"sqlite:///mlflow.db"``; by default MLflow's own.
        experiment: The experiment's name; it is made where there is none.
        name: The run's name; by default that of its folder.

    Returns:
        The id of the run.

    Raises:
        RunError: If ``run`` is none.
        MissingError: If mlflow is not installed.
    """
    _check(run, "to_mlflow")
    with needs("to_mlflow(...)", "bridle[mlflow]"):
        from mlflow import MlflowClient
    client = MlflowClient(tracking_uri=tracking_uri)
    known = client.get_experiment_by_name(experiment)
    where = known.experiment_id if known else client.create_experiment(experiment)
    title = name or run.folder.resolve().name
    parent: str = client.create_run(where, run_name=title).info.run_id
    params = {address: str(value) for address, value in settings(run.recipe).items()}
    chosen = next((tested for tested in run.evidence.tested if tested.name == "chosen"), None)
    scores = {f"test/{metric}": found.value for metric, found in chosen.metrics.items()} if chosen else {}
    _log(client, parent, params, [(metric, 0, value) for metric, value in scores.items()])
    client.set_tag(parent, "bridle.metric", run.evidence.metric)
    report = run.folder / "report.html"
    for artifact in (run.folder / "recipe.toml", run.folder / "evidence.json", report):
        client.log_artifact(parent, str(artifact if artifact != report or artifact.is_file() else run.report()))
    for tested, seed, curves in _trained(run):
        tags = {"mlflow.parentRunId": parent}
        child = client.create_run(where, tags=tags, run_name=f"{title}, {tested}, seed {seed}").info.run_id
        points = [*_points(curves), *((f"test/{metric}", 0, value) for metric, value in _tests(run, tested, seed))]
        _log(client, child, {"recipe": tested, "seed": str(seed)}, points)
        client.set_terminated(child)
    client.set_terminated(parent)
    return parent


def _log(client: Any, run_id: str, params: dict[str, str], points: list[tuple[str, int, float]]) -> None:
    entities, now = import_module("mlflow.entities"), int(time.time() * 1000)
    pairs = [entities.Param(_key(name), value) for name, value in params.items()]
    for start in range(0, len(pairs), _PARAMS):
        client.log_batch(run_id, params=pairs[start : start + _PARAMS])
    metrics = [entities.Metric(_key(name), value, now, step) for name, step, value in points]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])


def _check(run: object, function: str) -> None:
    if not isinstance(run, Run):
        raise RunError(
            f"{function}(run, ...) takes a finished run; got {type(run).__name__}. Load one with "
            'bridle.load("runs/name").'
        )


def _trained(run: Run) -> Iterator[tuple[str, int, Curves]]:
    """Every training of the test: the recipe's name, the seed and the curves."""
    for tested in run.evidence.tested:
        for outcome in tested.outcomes:
            yield tested.name, outcome.seed, outcome.curves


def _points(curves: Curves) -> Iterator[tuple[str, int, float]]:
    """Name, epoch counted from 1, and value; a series has none where it was not measured."""
    for name, values in curves.series.items():
        for epoch, value in enumerate(values, 1):
            if not math.isnan(value):
                yield name, epoch, value


def _tests(run: Run, name: str, seed: int) -> Iterator[tuple[str, float]]:
    """The scores of one training on the sealed test rows, where there is one for each seed."""
    for tested in run.evidence.tested:
        seeds = [outcome.seed for outcome in tested.outcomes if outcome.failure is None]
        for metric, found in tested.metrics.items():
            if tested.name == name and seed in seeds and len(found.values) == len(seeds):
                yield metric, found.values[seeds.index(seed)]


def _report(run: Run) -> str:
    page = StringIO()
    print_summary(run.evidence, Console(file=page, width=_WIDTH, color_system=None), run.folder / "report.html")
    return page.getvalue()


def _word(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text)


def _key(text: str) -> str:
    """A name of the kind that MLflow takes."""
    return re.sub(r"[^\w\-. /:]", "_", text)


def _verbatim(text: str) -> str:
    """As code, which the tab of texts shows as it is."""
    return "\n".join(f"    {line}" for line in text.splitlines())
