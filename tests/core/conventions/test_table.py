"""Every row of the table: against the formula of its source at Bridle's minimum, and, where there is the library, by
training the same problem there."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import bridle
from bridle.core.conventions import CONVENTIONS
from bridle.errors import ConventionError

HOLDS = {("l1",): bridle.L1, ("l2",): bridle.L2, ("l1", "l2"): bridle.ElasticNet}
GOLDEN = {"rtol": 0.0, "atol": 1e-7}


def soft(weights, threshold):
    return weights.sign() * (weights.abs() - threshold).clamp(min=0.0)


def penalty_of(name, **named):
    return HOLDS[CONVENTIONS[name].states].from_convention(name, **named)


def half(problem, weights):
    return (problem.inputs @ weights - problem.target).square().sum() / (2 * problem.examples)


def total(problem, weights):
    return (problem.inputs @ weights - problem.target).square().sum()


def squares(weights):
    return weights.square().sum()


# Each row as its source writes it, and independently its objective: the smooth part, and the weight of sum |w| in it.
N = 48
LITERAL = {
    "bridle.L1": ({"strength": 0.3}, lambda p, w: p.squared(w), 0.3),
    "bridle.L2": ({"strength": 0.3}, lambda p, w: p.squared(w) + 0.3 / 2 * squares(w), 0.0),
    "bridle.ElasticNet": ({"l1": 0.3, "l2": 0.2}, lambda p, w: p.squared(w) + 0.2 / 2 * squares(w), 0.3),
    "keras.L1": ({"l1": 0.3}, lambda p, w: p.squared(w), 0.3),
    "keras.L2": ({"l2": 0.3}, lambda p, w: p.squared(w) + 0.3 * squares(w), 0.0),
    "keras.L1L2": ({"l1": 0.3, "l2": 0.2}, lambda p, w: p.squared(w) + 0.2 * squares(w), 0.3),
    "torch.SGD": ({"weight_decay": 0.3}, lambda p, w: p.squared(w) + 0.3 / 2 * squares(w), 0.0),
    "torch.Adam": ({"weight_decay": 0.3}, lambda p, w: p.squared(w) + 0.3 / 2 * squares(w), 0.0),
    "sklearn.Ridge": ({"alpha": 9.0, "examples": N}, lambda p, w: total(p, w) + 9.0 * squares(w), 0.0),
    "sklearn.Lasso": ({"alpha": 0.2}, half, 0.2),
    "skglm.Lasso": ({"alpha": 0.2}, half, 0.2),
    "sklearn.ElasticNet": (
        {"alpha": 0.3, "l1_ratio": 0.6},
        lambda p, w: half(p, w) + 0.3 * 0.4 / 2 * squares(w),
        0.3 * 0.6,
    ),
    "skglm.ElasticNet": (
        {"alpha": 0.3, "l1_ratio": 0.6},
        lambda p, w: half(p, w) + 0.3 * 0.4 / 2 * squares(w),
        0.3 * 0.6,
    ),
    "sklearn.LogisticRegression": (
        {"C": 0.5, "l1_ratio": 0.4, "examples": N},
        lambda p, w: 0.5 * N * p.logistic(w) + 0.6 / 2 * squares(w),
        0.4,
    ),
    "sklearn.MLPClassifier": (
        {"alpha": 3.0, "batch_size": 16},
        lambda p, w: p.logistic(w) + 0.5 * 3.0 * squares(w) / 16,
        0.0,
    ),
    "sklearn.MLPRegressor": (
        {"alpha": 3.0, "batch_size": 16},
        lambda p, w: half(p, w) + 0.5 * 3.0 * squares(w) / 16,
        0.0,
    ),
    "laplace.Classification": (
        {"prior_precision": 4.0, "examples": N, "temperature": 0.5},
        lambda p, w: p.logistic(w) + 0.5 * 4.0 * squares(w) / N / 0.5,
        0.0,
    ),
    "laplace.Regression": (
        {"prior_precision": 4.0, "examples": N, "temperature": 0.5, "noise_std": 1.3},
        lambda p, w: p.squared(w) + 0.5 * 4.0 * squares(w) / N / (0.5 / (2 * 1.3**2)),
        0.0,
    ),
    "tf.l2_loss": ({"scale": 0.3}, lambda p, w: p.squared(w) + 0.3 * squares(w) / 2, 0.0),
    "textbook.lambda_over_2m": (
        {"lambda": 9.0, "examples": N},
        lambda p, w: half(p, w) + 9.0 / (2 * N) * squares(w),
        0.0,
    ),
    "textbook.lambda_over_2n": (
        {"lambda": 9.0, "examples": N},
        lambda p, w: p.logistic(w) + 9.0 / (2 * N) * squares(w),
        0.0,
    ),
    "textbook.half_lambda": ({"lambda": 0.3}, lambda p, w: p.squared(w) + 0.3 / 2 * squares(w), 0.0),
    "textbook.half_lambda_sum": (
        {"lambda": 9.0, "examples": N},
        lambda p, w: total(p, w) + 9.0 / 2 * squares(w),
        0.0,
    ),
    "textbook.unit_prior": ({}, lambda p, w: p.squared(w) + squares(w) / 2, 0.0),
    "textbook.lasso": ({"alpha": 0.3}, lambda p, w: p.squared(w), 0.3),
    "textbook.ridge": ({"alpha": 0.3}, lambda p, w: p.squared(w) + 0.3 / 2 * squares(w), 0.0),
    "textbook.squared_norm": ({"alpha": 0.3}, lambda p, w: p.squared(w) + 0.3 * squares(w), 0.0),
}
LOGISTIC = {"sklearn.LogisticRegression", "sklearn.MLPClassifier", "laplace.Classification", "textbook.lambda_over_2n"}
# Rows that are a rule of the step rather than an objective, each tested by running the rule (below).
RULES = {"keras.SGD", "fastai.SGD", "lassonet.LassoNet", "pytorch_optimizer.Optimizer", "glmnet"}
DECAYS = {
    "torch.AdamW",
    "timm.AdamW",
    "transformers.TrainingArguments",
    "paper.AdamW",
    "keras.AdamW",
    "fastai.Adam",
    "pytabkit.RealMLP",
}
REFUSED = {
    "keras.activity_regularizer": ("keras.activity_regularizer(l2=0.1)", "presses on activations"),
    "lightgcn.decay": ("LightGCN.decay(decay=0.1)", "how often row i occurs per example"),
    "pytorch_metric_learning.LpRegularizer": (
        "pytorch_metric_learning.LpRegularizer(p=2)",
        "norm itself, not its square",
    ),
}


def test_every_row_is_tested():
    assert set(LITERAL) | RULES | DECAYS | set(REFUSED) == set(CONVENTIONS)
    assert {name for name, row in CONVENTIONS.items() if not row.states} == set(REFUSED)
    assert {name for name, row in CONVENTIONS.items() if row.states == ("decay",)} == DECAYS


@pytest.mark.parametrize("name", LITERAL)
def test_the_minimum_here_is_the_minimum_of_the_source(problem, name):
    named, smooth, threshold = LITERAL[name]
    loss = problem.logistic if name in LOGISTIC else problem.squared
    weights = problem.minimum(penalty_of(name, **named), loss).requires_grad_()
    (gradient,) = torch.autograd.grad(smooth(problem, weights), [weights])
    scale = 1.0 / N if CONVENTIONS[name].beside.summed else 1.0
    with torch.no_grad():
        residual = weights - soft(weights - scale * gradient, scale * threshold)
        assert weights.abs().max() > 0.05
        torch.testing.assert_close(residual, torch.zeros_like(residual), rtol=0.0, atol=1e-9)


def normal_equations(problem, ridge):
    return torch.linalg.solve(
        problem.inputs.T @ problem.inputs + ridge * torch.eye(5, dtype=torch.float64), problem.inputs.T @ problem.target
    )


@pytest.mark.parametrize(
    ("name", "named", "ridge"),
    [
        ("textbook.lambda_over_2m", {"lambda": 9.0, "examples": N}, 9.0),
        ("textbook.half_lambda", {"lambda": 0.3}, N * 0.3 / 2),
        ("textbook.half_lambda_sum", {"lambda": 9.0, "examples": N}, 9.0 / 2),
        ("textbook.unit_prior", {}, N / 2),
        ("textbook.ridge", {"alpha": 0.3}, N * 0.3 / 2),
        ("textbook.squared_norm", {"alpha": 0.3}, N * 0.3),
        ("keras.L2", {"l2": 0.3}, N * 0.3),
        ("sklearn.Ridge", {"alpha": 9.0, "examples": N}, 9.0),
        ("keras.SGD", {"weight_decay": 3.0, "momentum": 0.9}, N * 0.3 / 2),
        ("fastai.SGD", {"wd": 3.0, "momentum": 0.9}, N * 0.3 / 2),
        ("laplace.Regression", {"prior_precision": 2.0, "examples": N, "noise_std": 1.5}, 2.0 * 1.5**2),
    ],
)
def test_the_normal_equations(problem, name, named, ridge):
    weights = problem.minimum(penalty_of(name, **named))
    torch.testing.assert_close(weights, normal_equations(problem, ridge), **GOLDEN)


def test_textbook_lasso_on_orthogonal_inputs_is_soft_thresholding(problem):
    inputs = torch.linalg.qr(problem.inputs).Q * N**0.5
    orthogonal = type(problem)(inputs, problem.target, problem.classes, problem.two)
    weights = orthogonal.minimum(penalty_of("textbook.lasso", alpha=0.5))
    torch.testing.assert_close(weights, soft(inputs.T @ problem.target / N, 0.5 / 2), **GOLDEN)


def train(problem, make, steps=3000, decay=None, after=None):
    weights = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    optimizer = make([weights])
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, decay) if decay else None
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.mse_loss(problem.inputs @ weights, problem.target).backward()
        before = weights.detach().clone()
        optimizer.step()
        if after:
            with torch.no_grad():
                after(weights, before)
        if schedule:
            schedule.step()
    return weights.detach()


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.0},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.9},
        {"momentum": 0.5, "dampening": 0.2},
        {"momentum": 0.8, "nesterov": True},
    ],
    ids=str,
)
def test_torch_sgd(problem, settings):
    there = train(problem, partial(torch.optim.SGD, lr=0.05, weight_decay=0.3, **settings))
    text = f"torch.optim.SGD(weight_decay=0.3, {', '.join(f'{key}={value}' for key, value in settings.items())})"
    torch.testing.assert_close(there, problem.minimum(bridle.L2.from_convention(text)), **GOLDEN)


def test_torch_adam_has_the_same_stationary_point(problem):
    there = train(problem, partial(torch.optim.Adam, lr=0.05, weight_decay=0.3), 4000, decay=0.997)
    torch.testing.assert_close(there, problem.minimum(bridle.L2.from_torch_adam(weight_decay=0.3)), **GOLDEN)


def test_torch_adamw_has_not(problem):
    there = train(problem, partial(torch.optim.AdamW, lr=0.05, weight_decay=0.3), 4000, decay=0.997)
    assert (there - problem.minimum(bridle.L2(0.3))).abs().max() > 0.1
    with pytest.raises(ConventionError, match=r"torch.AdamW has no fixed equivalent: .*sqrt\(v_hat\).*decay_strengths"):
        bridle.L2.from_convention("torch.AdamW", weight_decay=0.3)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("name", "argument"), [("keras.SGD", "weight_decay"), ("fastai.SGD", "wd")])
def test_decoupled_decay_under_sgd(problem, name, argument, momentum):
    there = train(
        problem,
        partial(torch.optim.SGD, lr=0.05, momentum=momentum),
        after=lambda weights, before: weights.sub_(0.05 * 0.8 * before),
    )
    here = penalty_of(name, **{argument: 0.8, "momentum": momentum})
    torch.testing.assert_close(there, problem.minimum(here), **GOLDEN)


def test_lassonet_shrinks_after_the_step_and_divides_by_the_momentum(problem):
    there = train(
        problem,
        partial(torch.optim.SGD, lr=0.01, momentum=0.9),
        after=lambda weights, _: weights.copy_(soft(weights, 0.01 * 4.0)),
    )
    here = problem.minimum(bridle.L1.from_lassonet_lasso_net(lambda_=4.0, momentum=0.9))
    assert 0 < (here == 0).sum() < 5
    assert torch.equal(here == 0, there == 0)
    torch.testing.assert_close(there, here, **GOLDEN)


def test_glmnet_scales_the_target_inside(problem):
    spread = problem.target.std(correction=0).item()
    for share in (0.3, 1.0):
        here = problem.minimum(bridle.ElasticNet.from_glmnet(0.4, share, target_std=spread))
        scaled = (here / spread).requires_grad_()
        strength = 0.4 / spread  # glmnet states lambda in the units of y
        smooth = (problem.inputs @ scaled - problem.target / spread).square().sum() / (2 * N)
        smooth = smooth + strength * (1 - share) / 2 * squares(scaled)
        (gradient,) = torch.autograd.grad(smooth, [scaled])
        residual = (scaled - soft(scaled - gradient, strength * share)).detach()
        torch.testing.assert_close(residual, torch.zeros_like(residual), rtol=0.0, atol=1e-9)


RELATIVES = {
    "torch.AdamW(weight_decay=0.4)": 0.05 * 0.4,
    "timm.adamw(weight_decay=0.4)": 0.05 * 0.4,
    "transformers.TrainingArguments(weight_decay=0.4)": 0.05 * 0.4,
    "paper.AdamW(decay=0.02, learning_rate=0.05)": 0.02,
    "keras.optimizers.AdamW(weight_decay=0.4)": 0.05 * 0.4,
    "fastai.Adam(wd=0.4)": 0.05 * 0.4,
    "pytabkit.RealMLP_TD_Classifier(wd=0.4)": 0.05 * 0.4,
    "pytorch_optimizer.AdaBelief(weight_decay=0.4, weight_decouple=True)": 0.05 * 0.4,
    "pytorch_optimizer.AdamP(weight_decay=0.02, weight_decouple=True, fixed_decay=True, lr=0.05)": 0.02,
}


@pytest.mark.parametrize("text", RELATIVES)
def test_the_relatives_of_adamw_take_its_steps(problem, text):
    """What each takes off the weights beside a step of Adam, against torch's AdamW with the number said."""
    decay = bridle.convert(text, to="torch.AdamW")["torch.AdamW"]["weight_decay"]
    rule = train(
        problem,
        partial(torch.optim.Adam, lr=0.05),
        20,
        after=lambda weights, before: weights.sub_(RELATIVES[text] * before),
    )
    there = train(problem, partial(torch.optim.AdamW, lr=0.05, weight_decay=decay), 20)
    torch.testing.assert_close(rule, there, rtol=0.0, atol=1e-12)


def test_pytorch_optimizer_couples_by_a_flag():
    said = bridle.convert("pytorch_optimizer.AdamP(weight_decay=0.3, weight_decouple=False)")
    assert said["torch.SGD"] == {"weight_decay": 0.3}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_fixed_equivalent_says_why(name):
    text, reason = REFUSED[name]
    with pytest.raises(ConventionError, match=f"{name} has no fixed equivalent: .*{reason}"):
        bridle.convert(text)
    with pytest.raises(ConventionError, match=f"{name} has no fixed equivalent: .*{reason}"):
        bridle.convert("bridle.L2(0.1)", to=name)


@pytest.mark.parametrize("solver", ["cholesky", "lsqr"])
def test_sklearn_ridge(problem, solver):
    from sklearn.linear_model import Ridge

    there = Ridge(alpha=9.0, fit_intercept=False, solver=solver, tol=1e-12).fit(problem.inputs, problem.target).coef_
    here = problem.minimum(bridle.L2.from_sklearn(9.0, examples=N))
    torch.testing.assert_close(torch.from_numpy(there), here, **GOLDEN)


def test_sklearn_lasso_and_elastic_net(problem):
    from sklearn.linear_model import ElasticNet, Lasso

    exact = {"fit_intercept": False, "tol": 1e-14, "max_iter": 100_000}
    for there, here in (
        (Lasso(alpha=0.2, **exact), bridle.L1.from_sklearn(0.2)),
        (ElasticNet(alpha=0.3, l1_ratio=0.6, **exact), bridle.ElasticNet.from_sklearn(0.3, 0.6)),
    ):
        found = torch.from_numpy(there.fit(problem.inputs, problem.target).coef_)
        assert (found == 0).any()
        torch.testing.assert_close(found, problem.minimum(here), **GOLDEN)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_sklearn_logistic_regression(problem, share):
    from sklearn.linear_model import LogisticRegression

    exact = {"fit_intercept": False, "tol": 1e-12, "max_iter": 100_000, "random_state": 0}
    there = LogisticRegression(C=0.5, l1_ratio=share, solver="saga", **exact)
    here = bridle.ElasticNet.from_sklearn_logistic_regression(C=0.5, l1_ratio=share, examples=N)
    found = there.fit(problem.inputs, problem.classes).coef_.T
    torch.testing.assert_close(torch.from_numpy(found), problem.minimum(here, problem.entropy, (5, 3)), **GOLDEN)
    found = there.fit(problem.inputs, problem.two).coef_[0]
    torch.testing.assert_close(torch.from_numpy(found), problem.minimum(here, problem.logistic), **GOLDEN)


def test_two_logits_take_twice_the_l2(problem):
    from sklearn.linear_model import LogisticRegression

    there = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-12, max_iter=10_000).fit(problem.inputs, problem.two)
    one = bridle.L2.from_sklearn_logistic_regression(C=0.5, examples=N)
    pair = problem.minimum(
        bridle.L2(2 * one.strength),
        lambda weights: nn.functional.cross_entropy(problem.inputs @ weights, problem.two.long()),
        (5, 2),
    )
    torch.testing.assert_close(pair[:, 1] - pair[:, 0], torch.from_numpy(there.coef_[0]), rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("regression", [True, False])
@pytest.mark.parametrize("batches", [1, 3])
def test_sklearn_perceptrons(problem, regression, batches):
    """Three times the same rows in batches of one copy: what counts is the batch, not the training set."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    settings = {"hidden_layer_sizes": (), "alpha": 4.0, "tol": 1e-14, "max_iter": 20_000, "random_state": 0}
    if batches == 1:
        settings |= {"solver": "lbfgs"}
    else:
        settings |= {"solver": "sgd", "batch_size": N, "shuffle": False, "momentum": 0.0, "learning_rate_init": 0.3}
        settings |= {"max_iter": 700, "n_iter_no_change": 1000}
    network = (MLPRegressor if regression else MLPClassifier)(**settings)
    target = (problem.target if regression else problem.two).numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # it reached its last iteration
        network.fit(np.tile(problem.inputs.numpy(), (batches, 1)), np.tile(target, batches))
    (bias,) = network.intercepts_[0]
    constructor = f"from_sklearn_mlp_{'regressor' if regression else 'classifier'}"
    here = problem.minimum(
        getattr(bridle.L2, constructor)(alpha=4.0, batch_size=N),
        (lambda weights: (problem.inputs @ weights + bias - problem.target).square().mean())
        if regression
        else lambda weights: nn.functional.binary_cross_entropy_with_logits(
            problem.inputs @ weights + bias, problem.two
        ),
    )
    torch.testing.assert_close(torch.from_numpy(network.coefs_[0][:, 0]), here, rtol=0.0, atol=1e-4)


@pytest.fixture(scope="module")
def keras():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("keras")
        before = library.config.dtype_policy()  # once asked for, it no longer follows floatx
        library.config.set_floatx("float64")
        library.config.set_dtype_policy("float64")
    yield library
    library.config.set_floatx("float32")
    library.config.set_dtype_policy(before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("text", "momentum"),
    [
        ("keras.L1(0.3)", 0.0),
        ("keras.L2(0.3)", 0.0),
        ("keras.L2(0.3)", 0.8),
        ("keras.L1L2(0.2, 0.3)", 0.0),
        ("keras.SGD(weight_decay=0.8, momentum=0.0)", 0.0),
        ("keras.SGD(weight_decay=0.8, momentum=0.9)", 0.9),
        ("keras.SGD(weight_decay=0.8, momentum=0.9, nesterov=True)", 0.9),
    ],
)
def test_keras(problem, keras, text, momentum):
    name, states = text.partition("(")[0], CONVENTIONS[text.partition("(")[0]].states
    inner = eval(text.partition(".")[2], {"SGD": lambda **named: named, **vars(keras.regularizers)})  # our own text
    decay = inner if name == "keras.SGD" else {"momentum": momentum}
    inputs, target = problem.inputs[:, :4].numpy(), problem.target.numpy()
    layer = keras.layers.Dense(1, use_bias=False, kernel_regularizer=None if name == "keras.SGD" else inner)
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.SGD(0.02 if decay["momentum"] else 0.1, **decay), "mse")
    steps = 600  # of one epoch, each with all the rows
    model.fit(np.tile(inputs, (steps, 1)), np.tile(target, steps)[:, None], batch_size=N, verbose=0, shuffle=False)
    smaller = type(problem)(problem.inputs[:, :4], problem.target, problem.classes, problem.two)
    here = smaller.minimum(HOLDS[states].from_convention(text))
    assert (here != 0).all()
    torch.testing.assert_close(torch.from_numpy(np.array(layer.kernel)[:, 0]), here, rtol=0.0, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_keras_adamw_takes_the_steps_of_torch(problem, keras):
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((5,)), layer])
    model.compile(keras.optimizers.AdamW(0.05, weight_decay=0.4, epsilon=1e-12), "mse")
    model.fit(problem.inputs.numpy(), problem.target.numpy()[:, None], batch_size=N, epochs=20, verbose=0)
    there = train(problem, partial(torch.optim.AdamW, lr=0.05, weight_decay=0.4, eps=1e-12), 20)
    torch.testing.assert_close(torch.from_numpy(np.array(layer.kernel)[:, 0]), there, rtol=0.0, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_tf_l2_loss_has_the_half(keras):
    tensorflow = pytest.importorskip("tensorflow")
    found = float(tensorflow.nn.l2_loss(tensorflow.constant([1.0, 2.0])))
    strength = bridle.L2.from_convention("tf.nn.l2_loss(scale=1.0)")
    assert found == 2.5 == strength.value([torch.tensor([1.0, 2.0])]).item()


def imported(name):
    """A library that is not among Bridle's own dependencies; what it warns of on import is its own affair."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, exc_type=ImportError)


@pytest.mark.filterwarnings("ignore")
def test_skglm(problem):
    skglm = imported("skglm")
    exact = {"fit_intercept": False, "tol": 1e-13}
    for there, here in (
        (skglm.Lasso(alpha=0.2, **exact), bridle.L1.from_skglm_lasso(0.2)),
        (skglm.ElasticNet(alpha=0.3, l1_ratio=0.6, **exact), bridle.ElasticNet.from_skglm_elastic_net(0.3, 0.6)),
    ):
        found = torch.from_numpy(there.fit(problem.inputs.numpy(), problem.target.numpy()).coef_)
        torch.testing.assert_close(found, problem.minimum(here), **GOLDEN)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_fastai_sgd(problem, momentum):
    optimizers = imported("fastai.optimizer")
    there = train(problem, lambda weights: optimizers.SGD(weights, lr=0.02, mom=momentum, wd=0.8))
    here = bridle.L2.from_fastai_sgd(wd=0.8, momentum=momentum)
    torch.testing.assert_close(there, problem.minimum(here), **GOLDEN)


@pytest.mark.filterwarnings("ignore")
def test_fastai_adam_takes_the_steps_of_torch_adamw(problem):
    optimizers = imported("fastai.optimizer")
    there = train(problem, lambda weights: optimizers.Adam(weights, lr=0.05, sqr_mom=0.999, eps=1e-8, wd=0.4), 20)
    here = train(problem, partial(torch.optim.AdamW, lr=0.05, weight_decay=0.4), 20)
    torch.testing.assert_close(there, here, rtol=0.0, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("decouple", "fixed", "taken"), [(True, False, 0.05 * 0.4), (True, True, 0.4), (False, False, 0.0)]
)
def test_pytorch_optimizer_by_its_flags(decouple, fixed, taken):
    library = imported("pytorch_optimizer")
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    gradient = torch.tensor([0.3, 0.2], dtype=torch.float64)

    def stepped(decay, given):
        weights = start.clone().requires_grad_()
        weights.grad = given.clone()
        library.AdaBelief(
            [weights], lr=0.05, weight_decay=decay, weight_decouple=decouple, fixed_decay=fixed, rectify=False
        ).step()
        return weights.detach()

    plain = stepped(0.0, gradient if decouple else gradient + bridle.L2(0.4).gradient([start])[0])
    torch.testing.assert_close(stepped(0.4, gradient), plain - taken * start, rtol=0.0, atol=1e-6)
    said = bridle.convert(
        f"pytorch_optimizer.AdaBelief(weight_decay=0.4, weight_decouple={decouple}, fixed_decay={fixed}, lr=0.05)"
    ).strengths
    assert said == ({"decay": pytest.approx(taken / 0.05)} if decouple else {"l2": 0.4})


@pytest.mark.filterwarnings("ignore")
def test_lassonet(problem):
    """With M = 0 its hidden layer is shut, and what is left is the skip layer with free intercepts."""
    library = imported("lassonet.model")
    centred = type(problem)(
        problem.inputs - problem.inputs.mean(0), problem.target - problem.target.mean(), problem.classes, problem.two
    )
    model = library.LassoNet(5, 2, 1).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _ in range(4000):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(centred.inputs)[:, 0], centred.target).backward()
        optimizer.step()
        model.prox(lambda_=4.0 * 0.01, M=0.0)
    here = centred.minimum(bridle.L1.from_lassonet_lasso_net(lambda_=4.0, momentum=0.9))
    assert (here == 0).any()
    torch.testing.assert_close(model.skip.weight.detach()[0], here, rtol=0.0, atol=1e-6)
