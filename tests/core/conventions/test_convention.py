"""Both directions of every row are inverse to each other, as numbers and as text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridle.core.conventions import CONVENTIONS, QUANTITIES
from bridle.core.conventions.convention import MissingQuantityError, canonical, spelled
from bridle.core.conventions.spelling import read_call, write_call
from bridle.errors import ConventionError

STATING = [name for name, row in CONVENTIONS.items() if row.states and name != "textbook.unit_prior"]
numbers = st.floats(1e-3, 1e3)
training = st.fixed_dictionaries(
    {
        "examples": st.integers(1, 10**7),
        "batch_size": st.integers(1, 10**5),
        "momentum": st.floats(0.0, 0.99),
        "learning_rate": st.floats(1e-5, 10.0),
        "target_std": st.floats(0.1, 10.0),
        "noise_std": st.floats(1e-3, 1e3),
    }
)


def back(name, strengths, quantities):
    row = CONVENTIONS[name]
    return canonical(row, {**_defaults(row), **quantities, **spelled(row, strengths, quantities)})


def _defaults(row):
    return {key: value for key, value in row.arguments.items() if value is not None}


@pytest.mark.parametrize("name", STATING)
@settings(max_examples=25, deadline=None)
@given(values=st.tuples(numbers, numbers), quantities=training)
def test_there_and_back(name, values, quantities):
    states = CONVENTIONS[name].states
    mixed = [dict(zip(states, values, strict=False))] if "decay" not in states else []
    for strengths in mixed + [{state: values[0]} for state in states]:
        found = back(name, strengths, quantities)
        assert {key: value for key, value in found.items() if value} == pytest.approx(strengths, rel=1e-8)


@pytest.mark.parametrize("name", STATING)
def test_there_and_back_as_text(name):
    row = CONVENTIONS[name]
    quantities = {"examples": 48, "batch_size": 16, "momentum": 0.9, "learning_rate": 0.05, "target_std": 2.0}
    quantities["noise_std"] = 1.3
    for state in row.states:
        text = write_call(name, spelled(row, {state: 0.3}, quantities))
        again, arguments, found = read_call(text)
        assert (again, found) == (row, {})
        strengths = canonical(row, {**quantities, **arguments})
        assert {key: value for key, value in strengths.items() if value} == pytest.approx({state: 0.3}, rel=1e-10)


@pytest.mark.parametrize("name", [name for name in STATING if CONVENTIONS[name].states != ("decay",)])
def test_no_strength_is_no_strength(name):
    row = CONVENTIONS[name]
    quantities = {"examples": 48, "batch_size": 16, "momentum": 0.9, "learning_rate": 0.05}
    quantities |= {"target_std": 2.0, "noise_std": 1.3}
    for state in row.states:
        assert not any(back(name, {state: 0.0}, quantities).values())


def test_the_unit_prior_states_one_strength():
    row = CONVENTIONS["textbook.unit_prior"]
    assert spelled(row, {"l2": 1.0}, {}) == {}
    with pytest.raises(ConventionError, match=r"^textbook.unit_prior has the strength 1, .*; this is l2 = 0.5\.$"):
        spelled(row, {"l2": 0.5}, {})


NEEDS = {
    "keras.SGD": ("momentum",),
    "fastai.SGD": ("momentum",),
    "lassonet.LassoNet": ("momentum",),
    "paper.AdamW": ("learning_rate",),
    "pytorch_optimizer.Optimizer": ("learning_rate",),
    "laplace.Classification": ("examples",),
    "laplace.Regression": ("examples", "noise_std"),
    "sklearn.Ridge": ("examples",),
    "sklearn.LogisticRegression": ("examples",),
    "sklearn.MLPClassifier": ("batch_size",),
    "sklearn.MLPRegressor": ("batch_size",),
    "glmnet": ("target_std",),
    "textbook.lambda_over_2m": ("examples",),
    "textbook.lambda_over_2n": ("examples",),
    "textbook.half_lambda_sum": ("examples",),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_what_enters(name):
    assert CONVENTIONS[name].needs == NEEDS.get(name, ())


@pytest.mark.parametrize("name", [name for name in NEEDS if name != "pytorch_optimizer.Optimizer"])
def test_what_enters_is_asked_for(name):
    row = CONVENTIONS[name]
    for missing in row.needs:
        quantities = dict.fromkeys(set(QUANTITIES) - {missing}, 0.5)
        option = f"--{missing.replace('_', '-')}"
        with pytest.raises(
            MissingQuantityError, match=rf"^{name} needs {missing} \(.*\)\. Give {missing}=.*{option}\.$"
        ):
            spelled(row, {row.states[-1]: 0.1}, quantities)
        with pytest.raises(MissingQuantityError, match=f"^{name} needs {missing} "):
            canonical(row, {**_defaults(row), **dict.fromkeys(row.arguments, 0.5), **quantities})


def test_a_pure_lasso_of_glmnet_needs_no_scale():
    assert canonical(CONVENTIONS["glmnet"], {"lambda": 0.2, "alpha": 1.0}) == {"l1": 0.4, "l2": 0.0}
    assert spelled(CONVENTIONS["glmnet"], {"l1": 0.4}, {}) == {"lambda": 0.2, "alpha": 1.0}


def test_what_a_row_cannot_state():
    with pytest.raises(
        ConventionError, match=r"^keras.L2 states l2 \(1/2 sum w\^2\) only; this is l1 = 0.1 \(sum \|w\|\)\.$"
    ):
        spelled(CONVENTIONS["keras.L2"], {"l1": 0.1}, {})
    with pytest.raises(ConventionError, match=r"only; this is l1 = 0.1 .* and l2 = 0.2 "):
        spelled(CONVENTIONS["sklearn.Ridge"], {"l1": 0.1, "l2": 0.2}, {"examples": 5})
    with pytest.raises(ConventionError, match=r"^torch.SGD has no fixed equivalent: AdamW's decay "):
        spelled(CONVENTIONS["torch.SGD"], {"decay": 0.1}, {})
