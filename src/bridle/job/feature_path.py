"""Choosing features: the path of the hierarchical lasso on all rows, cut by cross-validation."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np

from bridle.choosing.feature_count import best_count, by_count
from bridle.choosing.selection import Rule
from bridle.core.dials import Range
from bridle.data.dataset import Dataset
from bridle.data.folds import make_folds, whole, with_watch
from bridle.data.load import load
from bridle.engine.feature_path import PathPlan, train_path
from bridle.engine.process import flushed, threads
from bridle.errors import DataError
from bridle.job.progress import Progress, Silent
from bridle.job.reading import options_of
from bridle.metrics import catalogue as metrics
from bridle.records import Kind
from bridle.records.feature_path import CountScore, PathStep
from bridle.report.feature_path import write_feature_path
from bridle.report.wording import metric_name, spread

BOUNDS = {
    "width": Range(1, integer=True),
    "hierarchy": Range(0.0, open_low=True),
    "factor": Range(1.0, open_low=True),
    "epochs": Range(1, integer=True),
}


@final
@dataclass(frozen=True)
class FeaturePath:
    """The path from all features to none, and where cross-validation cuts it.

    Args:
        name: What the data is called.
        features: The names of all features.
        steps: The path on all rows, the dense network first. A feature that is left out stays out.
        scores: The folds' scores for each number of features, fewest first.
        chosen: The one that was chosen.
        metric: The metric of the scores.
        seconds: Wall time.
    """

    name: str
    features: tuple[str, ...]
    steps: tuple[PathStep, ...]
    scores: tuple[CountScore, ...]
    chosen: CountScore
    metric: str
    seconds: float

    @cached_property
    def importance(self) -> Mapping[str, float]:
        """The strength at which each feature disappears, by name."""
        gone: dict[int, float] = {}
        for step in self.steps:
            for number in set(range(len(self.features))) - set(step.features) - set(gone):
                gone[number] = step.strength
        return {name: gone[number] for number, name in enumerate(self.features)}

    @property
    def best(self) -> tuple[str, ...]:
        """The chosen features, the most important first."""
        return self.select(self.chosen.count)

    def select(self, count: int) -> tuple[str, ...]:
        """The ``count`` features that last longest, the most important first.

        Of features that disappear together the one with the larger skip weights before that comes first.

        Raises:
            DataError: If there are not so many.
        """
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= len(self.features):
            raise DataError(f"select takes a whole number from 1 to {len(self.features)}, all features; got {count!r}.")
        last = {feature: norm for step in self.steps for feature, norm in zip(step.features, step.norms, strict=True)}
        order = sorted(range(len(self.features)), key=lambda at: (-self.importance[self.features[at]], -last[at]))
        return tuple(self.features[at] for at in order[:count])

    def __str__(self) -> str:
        """The choice in a sentence."""
        kept, all_features = self.chosen.count, len(self.features)
        score = spread(self.chosen.mean, self.chosen.error)
        return f"{kept} of {all_features} features are kept: {metric_name(self.metric)} {score} over the folds."

    def plot(self, path: str | Path) -> Path:
        """Write the score against the number of features, and each feature's importance, as one HTML page.

        Raises:
            StorageError: If it cannot be written.
        """
        return write_feature_path(
            Path(path), self.name, str(self), self.scores, self.metric, self.importance, self.best
        )


def feature_path(
    data: Any,
    *,
    metric: str | None = None,
    folds: int = 5,
    select: Rule = "one-se",
    seed: int = 0,
    width: int = 100,
    hierarchy: float = 10.0,
    factor: float = 1.02,
    epochs: int = 5,
    progress: Progress | None = None,
    **options: Any,
) -> FeaturePath:
    """Choose the features of a table: the path of the hierarchical lasso, cut where cross-validation says.

    A network with a linear skip is trained with all features. Then the penalty's strength grows, each network beginning
    where the last one ended, until no feature is left. All columns of a category are one feature, and so are a number
    and the indicator of its missing values. Every row given has a part in the choice: judge it on others.

    Args:
        data: A table, as for :func:`bridle.fit`: a path, ``(X, y)`` or ``(frame, "target")``.
        metric: What chooses; by default log-loss or RMSE.
        folds: Folds of the cross-validation.
        select: ``"one-se"`` (the fewest features within one standard error of the best) or ``"best"``.
        seed: Keys folds and first weights.
        width: The width of the hidden layer.
        hierarchy: The penalty's M: how much larger than its skip weights a feature's first-layer weights may be.
        factor: By what each strength is larger than the one before.
        epochs: Epochs at each strength, each one step on all rows.
        progress: Is told what happens.
        **options: How to read the data, see :class:`bridle.data.options.Options`.

    Raises:
        BridleError: For whatever the user can mend.

    Reference: Lemhadri et al. 2021, "LassoNet: a neural network with feature sparsity".
    """
    began, progress = time.perf_counter(), progress or Silent()
    given = {"width": width, "hierarchy": hierarchy, "factor": factor, "epochs": epochs}
    plan = PathPlan(**{name: bounds.check(name, given[name]) for name, bounds in BOUNDS.items()})  # type: ignore[arg-type]
    dataset = _table(data, options)
    for note in dataset.notes:
        progress.say(note)
    task = dataset.layout.task
    chooser = metrics.find(metric, task) if metric else metrics.default(task)
    rows = np.flatnonzero(dataset.known).astype(np.int64)
    divisions = [whole(dataset, rows, seed, watch=True)]
    divisions += [with_watch(fold, dataset, seed) for fold in make_folds(dataset, rows, folds, seed)]
    progress.stage("feature path", len(divisions))
    paths = []
    with flushed(), threads(1):  # two were 35 to 90 times slower where another process was busy
        for fold in divisions:
            paths.append(train_path(dataset, fold, plan, chooser, seed))
            progress.advance()
    scores = by_count(paths[0], paths[1:])
    chosen = best_count(scores, select, higher_is_better=chooser.higher_is_better)
    names = tuple(column.name for column in dataset.layout.columns)
    return FeaturePath(dataset.name, names, paths[0], scores, chosen, chooser.name, time.perf_counter() - began)


def _table(data: Any, options: Mapping[str, Any]) -> Dataset:
    dataset = load(data, options_of(options))
    if dataset.layout.kind is not Kind.TABLE:
        raise DataError(
            f"{dataset.name}: feature_path chooses columns of a table; this is {dataset.layout.kind} data. "
            "Pass (X, y) with a row of numbers for each example."
        )
    return dataset
