"""Strengths found in training: those of the exact evidence where it is known, the same every time."""

import math
import re

import numpy as np
import pytest
import torch
from sklearn.linear_model import BayesianRidge
from torch import nn

import bridle
from bridle.choosing.marginal import Prior
from bridle.core import Recipe, Training, between
from bridle.data.load import load
from bridle.data.options import Options
from bridle.data.preprocess import fit as fit_preprocessing
from bridle.engine.curvature import Curvature
from bridle.errors import ModelError, RecipeError, SearchError
from bridle.job import laplace as laplace_module
from bridle.job.laplace import UPDATES, Strengths
from bridle.models import linear
from bridle.records import Task
from bridle.regularizers.penalties import L2


def numbers(rows=60, columns=5):
    random = np.random.default_rng(2)
    inputs = random.normal(size=(rows, columns))
    return inputs, inputs @ np.array([1.0, -1.0, 0.3, 0.0, 0.0][:columns]) + 0.8 * random.normal(size=rows)


def classes(rows=80):
    inputs, signal = numbers(rows)
    return inputs, np.where(signal > 0, "yes", "no")


def net(example, outputs):
    return nn.Sequential(nn.Linear(len(example), 6), nn.Tanh(), nn.Linear(6, outputs))


def short(epochs=4, **settings):
    return Recipe(training=Training(**{"epochs": epochs, "batch_size": 16, "learning_rate": 0.01, **settings}))


def test_linear_regression_gets_the_strength_and_noise_of_the_exact_evidence():
    data = numbers()
    # The test set only stands beside: all of the data trains.
    found = bridle.marginal_likelihood(
        data, short(600, batch_size=60, learning_rate=0.05), model=linear, test=data, device="cpu"
    ).evidence
    dataset = load(data, Options())
    preprocessing = fit_preprocessing(dataset, np.arange(60), one_hot=False)
    inputs = preprocessing.inputs(torch.from_numpy(dataset.inputs)).double().numpy()
    targets = (dataset.targets - preprocessing.target[0]) / preprocessing.target[1]
    flat = {f"{name}_{place}": 0.0 for name in ("alpha", "lambda") for place in (1, 2)}
    # Given its intercept, as the network's bias is taken as it is trained.
    exact = BayesianRidge(fit_intercept=False, max_iter=5000, tol=1e-10, **flat)
    exact.fit(inputs, targets - BayesianRidge().fit(inputs, targets).intercept_)
    (layer,) = found.layers
    assert layer.strength == pytest.approx(2 * exact.lambda_ / exact.alpha_ / 60, rel=0.02)
    assert layer.precision == pytest.approx(exact.lambda_, rel=0.02)
    assert found.noise == pytest.approx(float(preprocessing.target[1]) / math.sqrt(exact.alpha_), rel=0.01)


def test_the_result_is_the_same_every_time_and_depends_on_the_seed():
    one, two, other = (bridle.marginal_likelihood(classes(), short(), model=net, seed=seed) for seed in (0, 0, 1))
    assert one.evidence.steps == two.evidence.steps
    assert one.recipe == two.recipe
    assert one.evidence.steps != other.evidence.steps


def test_the_recipe_has_a_strength_for_each_layer():
    found = bridle.marginal_likelihood(classes(), short(), model=net)
    (penalty,) = found.recipe.of(L2)
    assert dict(penalty.strength.values) == {
        layer.name[: -len(".weight")]: layer.strength for layer in found.evidence.layers
    }
    assert [layer.name for layer in found.evidence.layers] == ["0.weight", "2.weight"]
    assert [layer.weights for layer in found.evidence.layers] == [30, 12]
    assert found.recipe.training == short().training
    assert all(layer.strength == pytest.approx(layer.precision / 64) for layer in found.evidence.layers)
    assert found.evidence.noise is None
    text = str(found)
    assert text.startswith("log evidence -")
    assert re.search(r"^0\.weight: strength \S+, the data determine \S+ of 30 weights$", text, re.MULTILINE)


def test_each_training_updates_ten_times():
    found = bridle.marginal_likelihood(classes(), short(20), model=net).evidence
    first = [step for step in found.steps if step.round == 1]
    assert [step.epoch for step in first] == [2 * update for update in range(1, UPDATES + 1)]
    assert found.log_evidence in [step.log_evidence for step in found.steps if step.epoch == 20]


def test_trainings_start_anew_from_what_the_one_before_found_until_the_evidence_falls(monkeypatch):
    losses, starts = [10.0, 5.0, 7.0, 1.0], []

    def one(self, number, prior, steps):
        starts.append(prior.precisions["0.weight"])
        # Without layers the log evidence is minus the loss.
        precisions = dict.fromkeys(self.names, 10.0 * number)
        return Curvature((), losses[number - 1], 64, Task.CLASSIFICATION), Prior(precisions)

    monkeypatch.setattr(Strengths, "_round", one)
    found = bridle.marginal_likelihood(classes(), short(), model=net)
    assert starts == [1.0, 10.0, 20.0]
    assert found.evidence.log_evidence == -5.0
    assert dict(found.recipe.of(L2)[0].strength.values)["2"] == pytest.approx(20.0 / 64)


def test_the_scope_of_the_given_l2_counts():
    recipe = Recipe(L2(0.5, scope="last_layer"), training=short().training)
    found = bridle.marginal_likelihood(classes(), recipe, model=net)
    assert [layer.name for layer in found.evidence.layers] == ["2.weight"]
    assert found.recipe.of(L2)[0].scope == "last_layer"


def test_what_batch_normalisation_divides_out_is_left_out():
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (40, 1, 8, 8)).astype(np.uint8)
    found = bridle.marginal_likelihood((images, random.permutation(np.arange(40) % 2)), short(2))
    assert [layer.name for layer in found.evidence.layers] == ["head.weight"]
    assert len(found.evidence.left_out) == 3
    assert found.recipe.of(L2)[0].scope == {"names": ("head.weight",)}
    assert "stages.0.layers.0.weight: none, its scale is divided out" in str(found)


@pytest.mark.parametrize(
    ("recipe", "options", "error", "message"),
    [
        (
            Recipe(bridle.Dropout(0.2), L2(0.1)),
            {},
            RecipeError,
            r"^marginal_likelihood\(\.\.\.\) takes a recipe with training settings and at most one L2; got dropout\.",
        ),
        (
            Recipe(L2(0.1), L2(0.1, label="other")),
            {},
            RecipeError,
            r"^marginal_likelihood\(\.\.\.\) takes .* at most one L2; got l2, other\.",
        ),
        (
            short(optimizer="adamw", weight_decay=0.01),
            {},
            RecipeError,
            r"^training\.weight_decay must be 0 in marginal_likelihood\(\.\.\.\); got 0\.01\.",
        ),
        (
            short(),
            {"loss": lambda output, target: nn.functional.cross_entropy(output, target, reduction="none")},
            ModelError,
            r"^The marginal likelihood is that of classes .* a loss of your own states no likelihood\.",
        ),
        (
            short(),
            {"model": lambda: nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2))},
            ModelError,
            r"^A normalisation divides out the scale of 0\.weight: the likelihood does not depend on it",
        ),
        (
            short(),
            {"model": lambda: nn.Sequential(nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 2, 5), nn.Flatten())},
            ModelError,
            r"^1\.weight belongs to Conv1d; the curvature is known of nn\.Linear",
        ),
        (
            short(optimizer="sgd", learning_rate=1e30),
            {"model": net},
            SearchError,
            r"^The training whose marginal likelihood was to be maximised failed: the data loss became",
        ),
    ],
)
def test_what_is_refused(recipe, options, error, message):
    with pytest.raises(error, match=message):
        bridle.marginal_likelihood(classes(), recipe, **options)


def test_a_given_recipe_is_tested_beside_it(tmp_path):
    recipe = Recipe(bridle.Dropout(0.1), training=short().training)
    run = bridle.fit(classes(), recipe, model=lambda: nn.Sequential(nn.Linear(5, 4), bridle.Place(), nn.Linear(4, 2)),
                     laplace=True, out=tmp_path / "run")  # fmt: skip
    evidence = run.evidence
    assert [tested.name for tested in evidence.tested] == ["chosen", "laplace"]
    assert evidence.tested[1].recipe == evidence.laplace.recipe
    assert "dropout" not in evidence.laplace.recipe
    assert evidence.laplace.outcomes == ()
    assert math.isnan(evidence.laplace.score)
    assert evidence.seconds["laplace"] == evidence.laplace.seconds > 0
    assert "L2 by the marginal likelihood" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_a_search_scores_it_on_its_own_folds(tmp_path):
    space = Recipe(L2(between(1e-5, 1e-1)), training=short().training.replace(learning_rate=between(1e-3, 1e-1)))
    options = {"model": net, "folds": 3, "trials": 2, "seeds": 1, "workers": 1}
    run = bridle.fit(classes(), space, laplace=True, out=tmp_path / "run", **options)
    found = run.evidence.laplace
    last = [outcome.curves.series["score"][-1] for outcome in found.outcomes]
    assert [outcome.fold for outcome in found.outcomes] == [0, 1, 2]
    assert found.score == pytest.approx(np.mean(last))
    assert found.error == pytest.approx(np.std(last, ddof=1) / math.sqrt(3))
    assert [tested.name for tested in run.evidence.tested][-2:] == ["laplace", "floor"]
    assert run.evidence.tested[-2].outcomes[0].curves.epochs == 4  # no epoch was chosen
    plain = bridle.fit(classes(), space, out=tmp_path / "plain", **options)
    assert plain.evidence.laplace is None
    assert plain.evidence.recipe == run.evidence.recipe  # the search itself is undisturbed
    searched = bridle.search(classes(), space, laplace=True, **options)
    assert searched.evidence.laplace.score == found.score


def test_a_resumed_job_takes_the_strengths_from_its_folder(tmp_path, monkeypatch):
    from bridle.job.progress import Silent
    from bridle.job.start import open_job, start

    workspace, ask = start(
        classes(), short(), model=net, laplace=True, out=tmp_path / "run", progress=Silent(), device="cpu"
    )
    job = open_job(workspace, ask, net, None, Silent())
    found = laplace_module.by_evidence(job)
    monkeypatch.setattr(laplace_module, "Strengths", None)  # nothing is trained again
    assert laplace_module.by_evidence(job).steps == found.steps
