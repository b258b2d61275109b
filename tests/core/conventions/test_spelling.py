"""Spellings are read as Python's parser reads them, and nothing is evaluated."""

import math

import pytest

from bridle.core.conventions.spelling import find, read_call, write_call
from bridle.errors import ConventionError, DialError


@pytest.mark.parametrize(
    ("text", "name", "arguments", "quantities"),
    [
        ("keras.L2(0.01)", "keras.L2", {"l2": 0.01}, {}),
        (" keras.regularizers.l2(l2=1e-2) ", "keras.L2", {"l2": 0.01}, {}),
        ("tf.keras.regularizers.L1L2(l2=0.1)", "keras.L1L2", {"l1": 0.0, "l2": 0.1}, {}),
        ("torch.optim.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)", "torch.SGD", {"weight_decay": 1e-4},
         {"learning_rate": 0.1, "momentum": 0.9}),
        ("sklearn.linear_model.ElasticNet(2, max_iter=9)", "sklearn.ElasticNet", {"alpha": 2.0, "l1_ratio": 0.5}, {}),
        ("glmnet(lambda=0.1, alpha = 0.5, standardize=FALSE)", "glmnet", {"lambda": 0.1, "alpha": 0.5}, {}),
        ("nielsen.network2(lmbda=5, n=50)", "textbook.lambda_over_2n", {"lambda": 5.0}, {"examples": 50}),
        ("sklearn.LogisticRegression(C=inf)", "sklearn.LogisticRegression", {"C": math.inf, "l1_ratio": 0.0}, {}),
        ("laplace.Regression(2, sigma_noise=0.5)", "laplace.Regression", {"prior_precision": 2.0, "temperature": 1.0},
         {"noise_std": 0.5}),
    ],
)  # fmt: skip
def test_what_people_paste(text, name, arguments, quantities):
    row, found, more = read_call(text)
    assert (row.name, found, more) == (name, arguments, quantities)


@pytest.mark.parametrize(
    "text",
    [
        *("", "keras.L2", "0.01", "keras.L2(", "keras.L2(x)", "keras.L2(*[1])", "keras.L2(**{'l2': 1})"),
        *("keras.L2(__import__('os').getcwd())", "keras.L2(0.1) + 1", "keras.L2(0.1); 1", "(" * 500, "keras.L2(\0)"),
    ],
)
def test_what_is_no_strength(text):
    with pytest.raises(
        ConventionError, match=r"A strength is written as a call with numbers, such as keras.L2\(0.01\)"
    ):
        read_call(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kears.L2(0.1)", r"There is no convention called 'kears.L2'. Did you mean bridle.L2 or keras.L2\?"),
        ("keras.L3(0.1)", r"There is no convention called 'keras.L3'. Did you mean keras.L"),
        ("xyzzy(0.1)", r"There is no convention called 'xyzzy'. Known are bridle.L1, "),
        ("torch.SGD(0.1)", "torch.SGD takes weight_decay by name; got 1 without a name."),
        ("keras.L2(0.1, 0.2)", "keras.L2 takes l2; got 2 without a name."),
        ("textbook.unit_prior(1)", "textbook.unit_prior takes no argument; got 1 without a name."),
        ("keras.L2(0.1, l2=0.2)", "keras.L2 was given l2 twice."),
        ("keras.L2(0.1, n=1, examples=2)", "keras.L2 was given examples twice."),
        ("torch.SGD(lr=0.1)", r"torch.SGD needs a value for weight_decay, such as torch.SGD\(weight_decay=0.01\)."),
        ("torch.SGD(weigth_decay=0.1)", "torch.SGD has no argument 'weigth_decay' .* Did you mean 'weight_decay'?"),
        (
            "lassonet.LassoNet(lambda_=1, gamma=2)",
            "lassonet.LassoNet has no argument 'gamma' that a strength is made of.",
        ),
        ("pytorch_optimizer.X(weight_decay=1)", "pytorch_optimizer.Optimizer needs a value for weight_decouple"),
        (
            "pytorch_optimizer.X(weight_decay=1, weight_decouple=1)",
            "pytorch_optimizer.Optimizer: weight_decouple must be True or False; got 1.",
        ),
        (
            "pytorch_optimizer.X(weight_decay=1, weight_decouple=True, fixed_decay=2)",
            "fixed_decay must be True or False; got 2.",
        ),
    ],
)
def test_refusals_name_the_way_out(text, message):
    with pytest.raises(ConventionError, match=message):
        read_call(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keras.L2(-1)", r"keras.L2: l2 must lie in \[0, inf\); got -1."),
        ("keras.L2('a')", r"keras.L2: l2 must be a number in \[0, inf\); got 'a' \(str\)."),
        ("sklearn.ElasticNet(1, l1_ratio=2)", r"sklearn.ElasticNet: l1_ratio must lie in \[0, 1\]; got 2."),
        ("glmnet(lambda=1, alpha=2)", r"glmnet: alpha must lie in \[0, 1\]; got 2."),
        ("sklearn.LogisticRegression(C=0)", r"sklearn.LogisticRegression: C must lie in \(0, inf\); got 0."),
        ("keras.SGD(weight_decay=1, momentum=1)", r"keras.SGD: momentum must lie in \[0, 1\); got 1."),
    ],
)
def test_numbers_are_bounded(text, message):
    with pytest.raises(DialError, match=message):
        read_call(text)


def test_names_are_found_whatever_the_case():
    assert find("Keras.l2").name == "keras.L2"
    assert find("lassonet.LassoNetClassifier").name == "lassonet.LassoNet"


def test_a_call_is_written_without_the_noise_of_floats():
    assert write_call("keras.L2", {"l2": 0.1 + 0.2}) == "keras.L2(l2=0.3)"
    assert write_call("x.Y", {"a": True, "b": 1e-7}) == "x.Y(a=True, b=1e-07)"
