"""The parts of a movement, as counterfactuals by hand."""

import math

import pytest
import torch
from torch.optim import SGD, Adam, AdamW

from bridle.auditing.measure import Measurement
from bridle.auditing.movements import Movements
from bridle.auditing.probe import Probe
from bridle.auditing.undo import Undo

NO_FITS = {"loss": {}, "by hand": {}}


def moved(case):
    undo = Undo(case.model, case.optimizer, case.step)
    weights = list(case.model.parameters())
    return Movements(Measurement(Probe(case.model, case.optimizer, case.step, weights, []), undo), NO_FITS)


def ridge(weight):
    return 0.25 * weight.square().sum()  # gradient (0.5, -1); the data's is (0, -2)


def test_data_and_penalty(line):
    found = moved(case := line(extra=ridge))
    parts = found.parts[case.weight]
    whole = 0.05**2 + 0.3**2  # of (-0.05, 0.3)
    assert found.size(case.weight) == pytest.approx(whole**0.5)
    assert set(parts) == {"data", "penalty"}
    assert parts["data"].size == pytest.approx(0.2)
    assert parts["data"].share == pytest.approx(0.2 * 0.3 / whole)
    assert parts["data"].shrink == pytest.approx(0.4 / 5)  # (0, 0.2) against (1, -2), of squared length 5
    assert parts["penalty"].size == pytest.approx(0.05 * 5**0.5)
    assert parts["penalty"].share == pytest.approx((0.05 * 0.05 + 0.1 * 0.3) / whole)
    assert parts["penalty"].shrink == pytest.approx(0.05)
    assert parts["penalty"].fit == pytest.approx(1.0)
    assert found.decays == {}
    assert found.pulled[case.weight].tolist() == [True]


def test_decay_beside_an_adaptive_step(line):
    found = moved(case := line(lambda weights: AdamW(weights, 0.1, weight_decay=0.5)))
    parts = found.parts[case.weight]
    assert parts["decay"].shrink == pytest.approx(0.05)
    assert parts["data"].size == pytest.approx(0.1, rel=1e-4)  # the first step of Adam, on the one with a gradient
    slope, fit = found.decays[case.weight]
    assert (slope, fit) == (pytest.approx(0.05), pytest.approx(1.0))


def test_the_shares_of_an_adaptive_optimizer_do_not_add_up_and_the_rest_is_shown(line):
    found = moved(case := line(lambda weights: Adam(weights, 0.1), extra=ridge))
    parts = found.parts[case.weight]
    assert set(parts) == {"penalty", "interaction"}  # without the data Adam takes the same first step, (-0.1, 0.1)
    assert parts["penalty"].share == pytest.approx(0.5, rel=1e-3)  # without the penalty it is (0, 0.1)
    assert parts["interaction"].share == pytest.approx(0.5, rel=1e-3)


def test_what_the_step_does_by_itself_is_added(line):
    @torch.no_grad()
    def shrink(weight):
        weight.mul_(0.9)

    found = moved(case := line(lambda weights: AdamW(weights, 0.1, weight_decay=0.5), before=shrink))
    parts = found.parts[case.weight]
    assert parts["decay"].shrink == pytest.approx(0.1 + 0.05 * 0.9)
    assert found.decays[case.weight][0] == pytest.approx(0.145)


def test_weights_at_zero_have_no_shrink(line):
    case = line(extra=lambda weight: weight.sum())
    with torch.no_grad():
        case.weight.zero_()
    parts = moved(case).parts[case.weight]
    assert set(parts) == {"penalty"}
    assert parts["penalty"].shrink == 0.0
    assert math.isnan(parts["penalty"].fit)


def test_rows_that_are_pulled(line):
    case = line(extra=lambda weight: 0.0 * weight.sum())
    case.model.rows = torch.nn.Parameter(torch.ones(3, 2))
    case.optimizer.add_param_group({"params": [case.model.rows]})
    inner = case.step

    def step():
        case.model.rows.grad = None
        inner()

    def penalised():
        case.optimizer.zero_grad()
        (case.model(case.inputs).square().mean() + case.model.rows[1].square().sum()).backward()
        case.optimizer.step()

    case.step = step
    assert case.model.rows not in moved(case).pulled
    case.step = penalised
    assert moved(case).pulled[case.model.rows].tolist() == [False, True, False]


def test_weights_of_nobody_have_no_parts(line):
    case = line()
    case.model.factor = torch.nn.Linear(1, 1, bias=False)
    another = SGD(case.model.factor.parameters(), 0.1)

    def step():
        case.optimizer.zero_grad()
        another.zero_grad()
        (case.model(case.inputs).square().mean() + case.model.factor(case.inputs[:1, :1]).sum()).backward()
        another.step()
        case.optimizer.step()

    case.step = step
    found = moved(case)
    assert set(found.parts) == {case.weight}
    assert found.size(case.model.factor.weight) == pytest.approx(0.1)
