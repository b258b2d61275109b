"""Constructors from any convention, derived from the table."""

import inspect

import pytest

import bridle
from bridle.core.conventions import CONVENTIONS
from bridle.errors import ConventionError, DialError


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: bridle.L2.from_keras(0.01), bridle.L2(0.02)),
        (lambda: bridle.L2.from_keras(l2=0.01, scope="all", label="mine"), bridle.L2(0.02, scope="all", label="mine")),
        (lambda: bridle.L1.from_keras(0.01), bridle.L1(0.01)),
        (lambda: bridle.ElasticNet.from_keras(0.01, 0.02), bridle.ElasticNet(0.01, 0.04)),
        (lambda: bridle.L2.from_sklearn(1.0, examples=100), bridle.L2(0.02)),
        (lambda: bridle.L2.from_sklearn_ridge(alpha=1.0, examples=100), bridle.L2(0.02)),
        (lambda: bridle.L1.from_sklearn(0.01), bridle.L1(0.02)),
        (lambda: bridle.ElasticNet.from_sklearn(0.5, 0.5), bridle.ElasticNet(0.5, 0.5)),
        (lambda: bridle.L2.from_torch(weight_decay=1e-4), bridle.L2(1e-4)),
        (lambda: bridle.L2.from_keras_sgd(weight_decay=1.0, momentum=0.5), bridle.L2(0.5)),
        (lambda: bridle.ElasticNet.from_keras_l2(0.1), bridle.ElasticNet(0.0, 0.2)),
        (lambda: bridle.L1.from_glmnet(**{"lambda": 0.1}), bridle.L1(0.2)),
        (lambda: bridle.L2.from_convention("keras.L2", 0.01), bridle.L2(0.02)),
        (lambda: bridle.L2.from_convention("keras.L2(0.01)", optional=True), bridle.L2(0.02, optional=True)),
        (lambda: bridle.L2.from_convention("keras.SGD(weight_decay=1)", momentum=0.5), bridle.L2(0.5)),
        (lambda: bridle.L2.from_convention("sklearn.ElasticNet(0.1, l1_ratio=0)"), bridle.L2(0.2)),
    ],
)
def test_constructors(made, expected):
    assert made() == expected


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: bridle.L2.from_convention("keras.L1", 0.1), "keras.L1 states l1; L2 holds l2."),
        (
            lambda: bridle.L2.from_convention("sklearn.ElasticNet", 0.1, 0.5),
            "sklearn.ElasticNet states l1 = 0.1 here, which L2 does not hold: it holds l2.",
        ),
        (
            lambda: bridle.L2.from_convention("torch.AdamW", weight_decay=0.1),
            "torch.AdamW has no fixed equivalent: AdamW's decay .* training.weight_decay takes it as it is.",
        ),
        (lambda: bridle.L2.from_convention("LightGCN.bpr", 0.1), "lightgcn.decay has no fixed equivalent: only the"),
        (lambda: bridle.L2.from_sklearn(1.0), r"sklearn.Ridge needs examples \(.*\). Give examples=..."),
        (
            lambda: bridle.L2.from_keras(0.1, momentm=0.9),
            "keras.L2 has no argument 'momentm' .* Did you mean 'momentum'?",
        ),
    ],
)
def test_refusals(made, message):
    with pytest.raises(ConventionError, match=message):
        made()


def test_numbers_are_bounded():
    with pytest.raises(DialError, match=r"keras.L2: l2 must lie in \[0, inf\); got -1."):
        bridle.L2.from_keras(-1.0)
    with pytest.raises(DialError, match=r"keras.L2: l2 must be a number"):
        bridle.L2.from_keras(bridle.between(1e-5, 1e-3))


@pytest.mark.parametrize("cls", [bridle.L1, bridle.L2, bridle.ElasticNet])
def test_every_row_has_a_constructor_that_explains_itself(cls):
    rows = [row for row in CONVENTIONS.values() if set(row.states) & set(cls.states) and row.library != "bridle"]
    made = {name: getattr(cls, name) for name in dir(cls) if name.startswith("from_")}
    documented = "".join(method.__doc__ for method in made.values())
    assert len(made) > len(rows)
    for row in rows:
        assert f"``{row.name}``" in documented
    ridge = inspect.signature(bridle.L2.from_sklearn_ridge)
    assert list(ridge.parameters) == ["alpha", "examples", "settings"]
    assert "Quantities: examples (Examples in the training set.)" in bridle.L2.from_sklearn_ridge.__doc__


def test_strengths_by_name():
    assert bridle.ElasticNet(0.1, 0.2).strengths == {"l1": 0.1, "l2": 0.2}
    assert bridle.L2(0.1).strengths == {"l2": 0.1}
