"""The log evidence against exact integrals, scikit-learn and laplace-torch; its maximum against a general optimizer."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.linear_model import BayesianRidge, LogisticRegression
from torch import nn

import bridle
from bridle.choosing.marginal import (
    PRECISIONS,
    Prior,
    best_prior,
    effective,
    log_evidence,
    noise_slope,
    precision_slope,
)
from bridle.core import Batch
from bridle.engine.curvature import Curvature, Layer, curvature
from bridle.records import Kind, Task


def batch(inputs, targets):
    """Arrays as one batch of float64, classes as rows of zeros and a one."""
    inputs, rows = torch.as_tensor(inputs, dtype=torch.float64), torch.arange(len(inputs))
    targets = torch.as_tensor(targets)
    targets = targets[:, None] if targets.is_floating_point() else nn.functional.one_hot(targets)
    return Batch(inputs, targets.double(), torch.ones(len(rows), dtype=torch.float64), rows, rows, Kind.TABLE)


def measured(model, inputs, targets):
    task = Task.REGRESSION if np.asarray(targets).dtype.kind == "f" else Task.CLASSIFICATION
    names = [name for name, weight in model.named_parameters() if weight.ndim > 1]
    return curvature(model, names, [batch(inputs, targets)], task, len(inputs))


def line(weights):
    """A linear model without intercept."""
    weights = torch.as_tensor(weights, dtype=torch.float64)
    model = nn.Linear(weights.shape[1], weights.shape[0], bias=False).double()
    model.weight.data = weights
    return model


@pytest.fixture
def table():
    random = np.random.default_rng(3)
    inputs = random.normal(size=(40, 6)) * np.array([2.0, 1.0, 1.0, 0.5, 0.5, 0.1])
    return inputs, inputs @ np.array([1.0, -0.5, 0.0, 0.7, 0.0, 0.3]) + 0.6 * random.normal(size=40)


def ridge(inputs, targets, prior):
    """The mode of the posterior of a linear regression, in closed form."""
    (precision,) = prior.precisions.values()
    gram = inputs.T @ inputs / prior.variance + precision * np.eye(inputs.shape[1])
    return np.linalg.solve(gram, inputs.T @ targets / prior.variance)


def at_mode(inputs, targets, prior):
    return measured(line(ridge(inputs, targets, prior)[None]), inputs, targets)


@pytest.mark.parametrize(("precision", "variance"), [(0.3, 0.5), (20.0, 2.0), (1e-3, 0.05)])
def test_a_linear_regression_is_exact(table, precision, variance):
    inputs, targets = table
    prior = Prior({"weight": precision}, variance)
    covariance = variance * np.eye(40) + inputs @ inputs.T / precision
    exact = multivariate_normal(np.zeros(40), covariance).logpdf(targets)
    np.testing.assert_allclose(log_evidence(at_mode(inputs, targets, prior), prior), exact, rtol=1e-10)


def test_bayesian_ridge_finds_the_same_strength_noise_and_evidence(table):
    inputs, targets = table
    flat = {f"{name}_{place}": 0.0 for name in ("alpha", "lambda") for place in (1, 2)}
    fitted = BayesianRidge(fit_intercept=False, compute_score=True, max_iter=5000, tol=1e-12, **flat)
    fitted.fit(inputs, targets)
    prior = Prior({"weight": 1.0})
    for _ in range(200):
        prior = best_prior(at_mode(inputs, targets, prior), prior)
    np.testing.assert_allclose(prior.precisions["weight"], fitted.lambda_, rtol=1e-5)
    np.testing.assert_allclose(prior.variance, 1 / fitted.alpha_, rtol=1e-5)
    np.testing.assert_allclose(log_evidence(at_mode(inputs, targets, prior), prior), fitted.scores_[-1], rtol=1e-8)


@pytest.mark.parametrize("precision", [0.2, 1.0, 5.0])
def test_logistic_regression_is_near_the_integral(precision):
    # Where every input is 1 or -1 the Kronecker factors are exact, so that only Laplace's own error is left.
    random = np.random.default_rng(0)
    inputs = random.choice([-1.0, 1.0], size=(40, 1))
    targets = (random.random(40) < 1 / (1 + np.exp(-1.5 * inputs[:, 0]))).astype(np.int64)

    def joint(one, two):
        logits = inputs * np.array([one, two])
        chosen = logits[np.arange(40), targets] - np.logaddexp(logits[:, 0], logits[:, 1])
        return math.exp(chosen.sum() + 25 - precision / 2 * (one**2 + two**2)) * precision / (2 * math.pi)

    integral = dblquad(joint, -12, 12, -12, 12, epsabs=1e-10)[0]
    fitted = LogisticRegression(C=2 / precision, fit_intercept=False, tol=1e-10).fit(inputs, targets)
    weight = fitted.coef_[0, 0] / 2  # of two logits with weights w and -w: the same function at half the penalty
    found = measured(line([[-weight], [weight]]), inputs, targets)
    assert abs(log_evidence(found, Prior({"weight": precision})) - (math.log(integral) - 25)) < 0.03


def layers(random, sizes=((12, 3.0), (30, 0.5))):
    return tuple(
        Layer(f"layers.{place}.weight", square, random.lognormal(1.0, 2.0, size))
        for place, (size, square) in enumerate(sizes)
    )


@pytest.fixture(params=list(Task))
def found(request):
    return Curvature(layers(np.random.default_rng(5)), 31.0, 80, request.param)


def moved(prior, name, step):
    precisions = dict(prior.precisions)
    if name == "noise":
        return Prior(precisions, prior.variance * math.exp(step))
    precisions[name] *= math.exp(step)
    return Prior(precisions, prior.variance)


def test_slopes_are_those_of_the_log_evidence(found):
    prior = Prior({"layers.0.weight": 0.7, "layers.1.weight": 12.0}, 0.4 if found.task is Task.REGRESSION else 1.0)
    slopes = {
        layer.name: precision_slope(layer, prior.precisions[layer.name], prior.variance) for layer in found.layers
    }
    if found.task is Task.REGRESSION:
        slopes["noise"] = noise_slope(found, prior)
    for name, slope in slopes.items():
        rise = log_evidence(found, moved(prior, name, 1e-5)) - log_evidence(found, moved(prior, name, -1e-5))
        np.testing.assert_allclose(slope, rise / 2e-5, rtol=1e-6)


def test_the_best_prior_is_the_maximum(found):
    names = [layer.name for layer in found.layers]
    noisy = found.task is Task.REGRESSION

    def prior(logarithms):
        return Prior(dict(zip(names, np.exp(logarithms[:2]), strict=True)), math.exp(logarithms[2]) if noisy else 1.0)

    best = minimize(lambda at: -log_evidence(found, prior(at)), np.zeros(2 + noisy), method="Nelder-Mead",
                    options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000})  # fmt: skip
    chosen, expected = best_prior(found, Prior(dict.fromkeys(names, 1.0))), prior(best.x)
    np.testing.assert_allclose(chosen.variance, expected.variance, rtol=1e-6)
    for name in names:
        np.testing.assert_allclose(chosen.precisions[name], expected.precisions[name], rtol=1e-6)


def test_mackay_holds_at_the_best_prior(found):
    chosen = best_prior(found, Prior({}))
    for layer in found.layers:
        gamma = effective(layer, chosen.precisions[layer.name], chosen.variance)
        assert 0 < gamma < len(layer.eigenvalues)
        np.testing.assert_allclose(chosen.precisions[layer.name], gamma / layer.square, rtol=1e-6)


def test_a_layer_that_is_zero_or_undetermined_stays_within_bounds():
    gone, free = Layer("gone", 0.0, np.ones(4)), Layer("free", 2.0, np.zeros(4))
    chosen = best_prior(Curvature((gone, free), 3.0, 50, Task.CLASSIFICATION), Prior({}))
    np.testing.assert_allclose([chosen.precisions[name] for name in ("free", "gone")], [50 * end for end in PRECISIONS])


def test_a_regression_without_residual_stays_finite():
    found = Curvature((Layer("weight", 1.0, np.array([5.0, 2.0])),), 0.0, 10, Task.REGRESSION)
    chosen = best_prior(found, Prior({}))
    assert math.isfinite(log_evidence(found, chosen))
    assert chosen.variance > 0


def test_the_determinant_is_that_of_the_dense_matrix():
    random = np.random.default_rng(1)
    inputs, targets = random.normal(size=(9, 3)), random.integers(0, 4, 9)
    weights = random.normal(size=(4, 3))
    logits = torch.as_tensor(inputs @ weights.T)
    p = logits.softmax(1)
    outer = torch.einsum("bi,bj->ij", torch.as_tensor(inputs), torch.as_tensor(inputs))
    hessians = (torch.diag_embed(p) - p[:, :, None] * p[:, None]).sum(0)
    dense = torch.kron(hessians, outer) / 9 + 0.3 * torch.eye(12, dtype=torch.float64)
    loss = -logits.log_softmax(1)[torch.arange(9), torch.as_tensor(targets)].sum()
    expected = -loss + 6 * math.log(0.3) - 0.15 * (weights**2).sum() - 0.5 * torch.linalg.slogdet(dense)[1]
    found = measured(line(weights), inputs, targets)
    np.testing.assert_allclose(log_evidence(found, Prior({"weight": 0.3})), float(expected), rtol=1e-10)


def test_strengths_are_those_of_the_table_of_conventions():
    prior = Prior({"a": 3.0, "b": 0.2}, 0.25)
    classes = prior.strengths(80, Task.CLASSIFICATION)
    number = prior.strengths(80, Task.REGRESSION)
    assert classes["a"] == pytest.approx(bridle.convert("laplace.Classification(3.0)", examples=80).strengths["l2"])
    assert classes["a"] == pytest.approx(3.0 / 80)
    said = bridle.convert("laplace.Regression(0.2)", examples=80, noise_std=0.5).strengths["l2"]
    assert number["b"] == pytest.approx(said)
    assert number["b"] == pytest.approx(2 * 0.25 * 0.2 / 80)


def test_the_penalised_loss_has_its_minimum_at_the_mode(table):
    inputs, targets = table
    prior = Prior({"weight": 4.0}, 0.5)
    (strength,) = prior.strengths(40, Task.REGRESSION).values()
    mode = ridge(inputs, targets, prior)
    slope = 2 * inputs.T @ (inputs @ mode - targets) / 40 + strength * mode  # of mean squared error + s/2 ||w||^2
    np.testing.assert_allclose(slope, 0, atol=1e-12)


@pytest.fixture(scope="module")
def oracle():
    """laplace-torch; its import of torchvision needs two operators that a wheel for another torch does not bring."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for signature in ("nms(Tensor a, Tensor b, float c) -> Tensor", "qnms(Tensor a, Tensor b, float c) -> Tensor"):
        library.define(signature)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("laplace")


def networks():
    mlp = nn.Sequential(nn.Linear(5, 7, bias=False), nn.Tanh(), nn.Linear(7, 3, bias=False))
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.Tanh(), nn.Conv2d(4, 3, 2, stride=2, bias=False),
                        nn.Tanh(), nn.Flatten(), nn.Linear(12, 3, bias=False))  # fmt: skip
    number = nn.Sequential(nn.Linear(5, 6, bias=False), nn.Tanh(), nn.Linear(6, 1, bias=False))
    return {"mlp": (mlp, (5,)), "conv": (net, (2, 4, 4)), "number": (number, (5,))}


@pytest.mark.parametrize("name", ["mlp", "conv", "number"])
def test_laplace_torch_agrees(oracle, name):
    random = np.random.default_rng(2)
    model, shape = networks()[name]
    model = model.double()
    for weight in model.parameters():
        weight.data = torch.as_tensor(random.normal(size=weight.shape) / 2)
    inputs = torch.as_tensor(random.normal(size=(30, *shape)))
    number = name == "number"
    targets = random.normal(size=30) if number else random.integers(0, 3, 30)
    found = measured(model, inputs, targets)
    precisions = random.lognormal(size=len(found.layers))
    prior = Prior(dict(zip([layer.name for layer in found.layers], precisions, strict=True)), 0.3 if number else 1.0)
    answers = torch.as_tensor(targets)[:, None] if number else torch.as_tensor(targets)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, answers), batch_size=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kron = oracle.KronLaplace(model, "regression" if number else "classification")
        kron.fit(loader)
        noise = torch.tensor(math.sqrt(prior.variance), dtype=torch.float64) if number else None
        expected = kron.log_marginal_likelihood(torch.as_tensor(precisions), noise)
    np.testing.assert_allclose(log_evidence(found, prior), float(expected), rtol=1e-6)
