"""L2 by layer without validation data: strengths that maximise the marginal likelihood, found in training."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast, final

from bridle.choosing.baselines import baseline_grid, baselines
from bridle.choosing.marginal import Prior, best_prior, effective, log_evidence
from bridle.choosing.scoring import curves, standard_error
from bridle.core import Batch, Recipe, toml
from bridle.core.scope import resolve
from bridle.data.folds import whole
from bridle.engine.checkpoint import replacing
from bridle.engine.course import Diverged
from bridle.engine.curvature import Curvature, curvature
from bridle.engine.member import MemberTraining
from bridle.engine.process import flushed, threads
from bridle.engine.scale_free import scale_free
from bridle.errors import ModelError, SearchError
from bridle.job.context import Context
from bridle.population import Member
from bridle.records import Laplace, LaplaceLayer, LaplaceStep, Task, serial
from bridle.regularizers.catalogue import parse_recipe
from bridle.regularizers.penalties import L2

UPDATES = 10
"""Updates of the strengths in one training, evenly spaced over its epochs."""

ROUNDS = 4
"""Trainings at most: each starts from the strengths of the one before, until the evidence no longer rises."""

BLOCK = 64
"""Examples per pass of the curvature: the patches of a convolution take the memory of nine images and more."""

FILE = "laplace.json"


def by_evidence(job: Context) -> Laplace | None:
    """The strengths, where they were asked for, with their score on the folds where those choose.

    A job that is resumed takes the strengths from its folder.

    Raises:
        BridleError: As :class:`Strengths` does.
    """
    if not job.ask.laplace:
        return None
    file = job.workspace.folder / "members" / FILE
    if file.is_file():
        found = serial.loads(Laplace, file.read_text(encoding="utf-8"), str(file))
    else:
        found = Strengths(job, plain(job.space)).find()
        with replacing(file) as part:
            part.write_text(serial.dumps(found), encoding="utf-8")
    job.seconds["laplace"] = found.seconds
    return _on_folds(job, found) if job.space.is_space else found


def laplace_recipes(job: Context) -> dict[str, Recipe]:
    """What to refit and test of it, by name."""
    return {"laplace": parse_recipe(job.laplace.recipe, FILE)} if job.laplace else {}


def plain(space: Recipe, *own: L2) -> Recipe:
    """What is trained: L2 and the space's settings, with the learning rate in the middle and all epochs.

    Other regularizers are left out: the evidence is that of a deterministic network on the data as they are.

    Args:
        space: The space or recipe.
        own: An L2 whose scope and label count; by default it is on matrices.
    """
    penalty = replace(own[0] if own else L2(0.0), strength=0.0, optional=False)
    return Recipe(penalty, training=baseline_grid(baselines(space)["none"], 1)[0].training)


def _on_folds(job: Context, found: Laplace) -> Laplace:
    folds = job.folds()
    job.progress.stage("laplace on the folds", len(folds))
    outcomes = tuple(job.on_folds("laplace", folds)([(0, parse_recipe(found.recipe, FILE))])[0])
    if any(outcome.failure for outcome in outcomes):
        return replace(found, outcomes=outcomes)
    last = curves(outcomes, "score")[:, -1]
    return replace(found, outcomes=outcomes, score=float(last.mean()), error=standard_error(last))


@final
class Strengths:
    """The strengths of L2 on one job's training rows.

    One network trains on all rows that are not sealed. Ten times in the course of it the curvature is taken and the
    strengths are set to those that maximise the marginal likelihood there; the training goes on with them. Then it
    starts anew from what it found, as long as the evidence at its end rises.

    Args:
        job: The job.
        recipe: L2, whose scope counts, and the training settings.

    Raises:
        ModelError: If the loss is the user's own, the curvature of a layer in scope is not known, or no layer's scale
            matters.
        ScopeError: If the scope matches no weight.
    """

    def __init__(self, job: Context, recipe: Recipe) -> None:
        if job.setting.loss is not None:
            raise ModelError(
                "The marginal likelihood is that of classes (cross-entropy) or of a number with Gaussian noise "
                "(squared error); a loss of your own states no likelihood. Leave out the loss, or choose L2 by "
                "cross-validation."
            )
        self._job, self._recipe = job, recipe
        self._fold = whole(job.dataset, job.rows)
        self._task, self._examples = job.dataset.layout.task, len(job.rows)
        network = self._training(Recipe(training=recipe.training))
        (penalty,) = recipe.of(L2)
        scope = resolve(network.model, penalty.scope, who="l2")
        first = next(_batches(network))
        self.left_out = tuple(scale_free(network.model, scope, first.inputs))
        self.names = [name for name in scope if name not in self.left_out]
        if not self.names:
            raise ModelError(
                f"A normalisation divides out the scale of {', '.join(scope)}: the likelihood does not depend on it, "
                "so that no strength of L2 follows. Choose it by cross-validation."
            )
        curvature(network.model, self.names, [first], self._task, self._examples)

    def find(self) -> Laplace:
        """Train until the evidence no longer rises.

        Raises:
            SearchError: If the training fails.
        """
        began = time.perf_counter()
        training = self._recipe.training
        self._job.progress.stage("marginal likelihood", ROUNDS * training.epochs)
        steps: list[LaplaceStep] = []
        prior, best = Prior(dict.fromkeys(self.names, 1.0)), None
        with flushed(), threads(self._job.threads):
            for number in range(1, ROUNDS + 1):
                found, prior = self._round(number, prior, steps)
                if best is not None and log_evidence(found, prior) <= log_evidence(*best):
                    break
                best = found, prior
        assert best is not None  # noqa: S101 - the first round is always better than none
        return self._record(*best, steps, time.perf_counter() - began)

    def recipe(self, prior: Prior) -> Recipe:
        """The recipe with the strengths of a prior."""
        strengths = prior.strengths(self._examples, self._task)
        layers = {name.removesuffix(".weight"): strength for name, strength in strengths.items()}
        (penalty,) = self._recipe.of(L2)
        scope = {"names": self.names} if self.left_out else penalty.scope
        return Recipe(replace(penalty, strength=cast(Any, layers), scope=scope), training=self._recipe.training)

    def _round(self, number: int, prior: Prior, steps: list[LaplaceStep]) -> tuple[Curvature, Prior]:
        """One training from the start."""
        epochs = self._recipe.training.epochs
        ends = sorted({-(-epochs * update // UPDATES) for update in range(1, UPDATES + 1)})
        training = self._training(self.recipe(prior))
        for end in ends:
            self._train(training, end)
            found = curvature(training.model, self.names, _batches(training), self._task, self._examples)
            prior = best_prior(found, prior)
            state, training = training.state(), self._training(self.recipe(prior))
            training.restore(*state)
            evidence = log_evidence(found, prior)
            steps.append(LaplaceStep(number, end, evidence, prior.strengths(self._examples, self._task)))
            self._job.progress.advance(0, f"log evidence {evidence:.4g}")
        return found, prior

    def _train(self, training: MemberTraining, end: int) -> None:
        try:
            while training.course.epoch < end:
                training.train_epoch()
                self._job.progress.advance()
        except Diverged as error:
            raise SearchError(
                f"The training whose marginal likelihood was to be maximised failed: {error}. A smaller "
                "training.learning_rate or training.clip = 1.0 usually helps."
            ) from None

    def _training(self, recipe: Recipe) -> MemberTraining:
        return MemberTraining(Member(0, recipe, self._fold, self._job.ask.seed, stage="laplace"), self._job.setting)

    def _record(self, found: Curvature, prior: Prior, steps: list[LaplaceStep], seconds: float) -> Laplace:
        strengths = prior.strengths(self._examples, self._task)
        layers = tuple(
            LaplaceLayer(
                layer.name,
                len(layer.eigenvalues),
                strengths[layer.name],
                prior.precisions[layer.name],
                effective(layer, prior.precisions[layer.name], prior.variance),
            )
            for layer in found.layers
        )
        noise = None
        if self._task is Task.REGRESSION:
            unit = self._training(self._recipe).examples.preprocessing.target[1]
            noise = float(prior.variance**0.5 * unit)
        evidence, recipe = log_evidence(found, prior), toml.dumps(self.recipe(prior))
        return Laplace(recipe, evidence, layers, self.left_out, noise, tuple(steps), seconds)


def _batches(training: MemberTraining) -> Iterator[Batch]:
    """The training rows, or a fixed part of many, as the network takes them."""
    rows: Any = training.course.statistics_rows
    return (batch for batch, _ in training.batches.clean(BLOCK, rows))
