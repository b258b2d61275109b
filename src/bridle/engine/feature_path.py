"""The path of the hierarchical lasso on one fold: a dense network, then growing strengths until nothing is left."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from bridle.core import Training, draws
from bridle.data.dataset import Dataset
from bridle.data.preprocess import Preprocessing, fit
from bridle.engine.evaluate import predictions
from bridle.engine.examples import Examples, example_weights
from bridle.engine.losses import default_loss
from bridle.engine.network import inputs_of
from bridle.engine.skip_network import SkipNetwork
from bridle.errors import ModelError
from bridle.metrics.metric import Metric
from bridle.models.skip_mlp import SkipMLP
from bridle.records import Fold, Mark
from bridle.records.feature_path import PathStep

CPU = torch.device("cpu")

STEEP = 4.0
"""The learning rate begins at this over the largest curvature of the inputs, and is halved while training diverges."""

EASE = 0.5
"""The path takes this share of the dense network's learning rate: the penalty makes the steps less stable."""

HALVINGS = 16

BETTER = 0.99
"""Only a loss below this share of the last one that counted is an improvement to patience."""

TRIAL = 4.0
"""By what the strength grows in the trial that finds where the path begins."""


@final
@dataclass(frozen=True)
class PathPlan:
    """How a path is trained.

    Args:
        width: The width of the hidden layer.
        hierarchy: The penalty's M.
        factor: By what each strength is larger than the one before.
        epochs: Epochs at each strength, each one step on all training rows.
        dense_epochs: The most epochs of the dense network.
        patience: Epochs without improvement on the watch rows after which the dense training ends.
        momentum: Nesterov's momentum.
        start: The first strength; ``None`` to find it.
    """

    width: int = 100
    hierarchy: float = 10.0
    factor: float = 1.02
    epochs: int = 5
    dense_epochs: int = 1000
    patience: int = 100
    momentum: float = 0.9
    start: float | None = None


@final
class PathTraining:
    """The training of one path.

    Args:
        dataset: All rows, a table.
        fold: Which rows train, are watched by patience, and are scored.
        plan: How.
        metric: The metric of the score.
        seed: Keys the first weights.
        preprocessing: Fitted on other rows; by default on the fold's training rows.
    """

    def __init__(
        self,
        dataset: Dataset,
        fold: Fold,
        plan: PathPlan,
        metric: Metric,
        seed: int,
        preprocessing: Preprocessing | None = None,
    ) -> None:
        self.dataset, self.plan, self._metric, self._seed = dataset, plan, metric, seed
        rows = fold.rows(Mark.TRAIN)
        self.preprocessing = preprocessing or fit(dataset, rows, one_hot=True)
        self._examples = Examples(dataset, self.preprocessing, CPU)
        self._rows = {"train": rows, "watch": fold.rows(Mark.WATCH), "score": fold.rows(Mark.SCORE)}
        self._weights = torch.from_numpy(example_weights(dataset, rows, Training()))
        self._loss = default_loss(dataset.layout.task)
        self._inputs = {name: self._examples.inputs(torch.from_numpy(own)) for name, own in self._rows.items()}
        self._targets = {name: self._examples.targets(torch.from_numpy(own)) for name, own in self._rows.items()}
        self.features = feature_numbers(dataset, self.preprocessing)
        self.rate, self.epochs = 0.0, 0
        self.network = self._fresh()

    def _fresh(self) -> SkipNetwork:
        return SkipNetwork(
            self.model(),
            self._inputs["train"],
            self._targets["train"],
            self._weights[torch.from_numpy(self._rows["train"])],
            self.dataset.layout.task,
            self.features,
            self.plan.hierarchy,
            self.plan.momentum,
        )

    def model(self) -> SkipMLP:
        """The network with its first weights."""
        with draws.seeded("model", self._seed):
            return SkipMLP(inputs_of(self.dataset.layout, self.preprocessing), self.plan.width)

    def dense(self) -> PathStep:
        """Train the dense network, under the constraint alone, and keep its best epoch on the watch rows.

        Raises:
            ModelError: If it diverges at every learning rate.
        """
        steepest = STEEP / self.network.curvature()
        for halving in range(HALVINGS):
            self.rate = steepest / 2**halving
            self.network = self._fresh()
            if self._train_dense():
                self.rate *= EASE
                return self._step(0.0)
        raise ModelError(
            f"{self.dataset.name}: the network of the feature path diverged at every learning rate down to "
            f"{self.rate:.3g}. Look for inputs or targets of extreme size."
        )

    def _train_dense(self) -> bool:
        """Whether the training stayed finite and came to something."""
        watched = "watch" if len(self._rows["watch"]) else "train"
        first = best = bar = self._mean_loss(watched)
        kept, since = self.network.state(), 0
        for _ in range(self.plan.dense_epochs):
            self.network.step(self.rate, 0.0)
            self.epochs += 1
            loss = self._mean_loss(watched)
            if not loss < 10 * first + 1:
                return False
            since = 0 if loss < BETTER * bar else since + 1
            bar = bar if since else loss
            if loss < best:
                best, kept = loss, self.network.state()
            if since > self.plan.patience:
                break
        self.network.restore(kept)
        return best < first

    def steps(self) -> Iterator[PathStep]:
        """The dense network, then one network for each strength, until no feature is left."""
        yield self.dense()
        strength = self.plan.start or self._start()
        while len(self.network.selected):
            self._train(strength)
            yield self._step(strength)
            strength *= self.plan.factor

    def _train(self, strength: float) -> None:
        for _ in range(self.plan.epochs):
            self.network.step(self.rate, strength)
        self.epochs += self.plan.epochs
        if not self.network.finite():
            raise ModelError(
                f"{self.dataset.name}: the network of the feature path diverged at strength {strength:.3g}. "
                "Look for inputs or targets of extreme size."
            )
        self.network.drop()

    def _start(self) -> float:
        """Where the path begins: what all strengths up to the one that drops the first feature add up to.

        From the dense network a trial multiplies the strength by :data:`TRIAL` until a feature is left out.
        """
        kept, all_features = self.network.state(), len(self.network.selected)
        slopes = self.network.gradients()[0]
        strength = 1e-6 * float(slopes.norm(dim=0).max()) + 1e-12
        while len(self.network.selected) == all_features and strength < 1e12:
            strength *= TRIAL
            for _ in range(self.plan.epochs):
                self.network.step(self.rate, strength)
        self.network.restore(kept)
        return strength * (self.plan.factor - 1.0)

    def _outputs(self, name: str) -> Tensor:
        inputs = self._inputs[name]
        columns = self.network.columns
        return self.network.outputs(inputs if len(columns) == inputs.shape[1] else inputs[:, columns])

    def _mean_loss(self, name: str) -> float:
        weights = self._weights[torch.from_numpy(self._rows[name])]
        return float((self._loss(self._outputs(name), self._targets[name]) * weights).sum() / weights.sum())

    def _step(self, strength: float) -> PathStep:
        return PathStep(
            strength=strength,
            features=tuple(self.network.selected.tolist()),
            score=self._score() if len(self._rows["score"]) else math.nan,
            loss=self._mean_loss("train"),
            norms=tuple(self.network.norms.tolist()),
        )

    def _score(self) -> float:
        rows = self._rows["score"]
        predicted = predictions(self.dataset.layout.task, self._examples, self._outputs("score"))
        weights = None if self.dataset.weights is None else self.dataset.weights[rows]
        return self._metric(self.dataset.targets[rows], predicted, weights)


def feature_numbers(dataset: Dataset, preprocessing: Preprocessing) -> tuple[int, ...]:
    """The feature of each prepared column: the columns of a category, or a number and its indicator, are one."""
    numbers = {column.name: number for number, column in enumerate(dataset.layout.columns)}
    return tuple(numbers[name] for name in preprocessing.sources)


def train_path(dataset: Dataset, fold: Fold, plan: PathPlan, metric: Metric, seed: int = 0) -> tuple[PathStep, ...]:
    """The whole path on one fold."""
    return tuple(PathTraining(dataset, fold, plan, metric, seed).steps())
