"""Declared strengths against what acts in a step: values by hand, and every form on a small training."""

import math

import pytest
import torch

from bridle.auditing.effects import effects, factors
from bridle.auditing.ledger import named
from bridle.auditing.own_step import own_step
from bridle.auditing.probe import Probe
from bridle.auditing.undo import Undo
from bridle.core import schedule
from bridle.regularizers.penalties import L1, L2, SCAD, ElasticNet, GroupLasso, HierarchicalLasso, L2Start, Nuclear
from bridle.regularizers.updates import SAM, DecoupledDecay, GradientNoise, MaxNorm

MATRICES = ["first.weight", "last.weight"]


def measured(case, spoil=None):
    taken = own_step(case.member, case.setting, case.weights, case.epochs)
    step = taken.training.step
    if spoil is not None:
        spoil(step)
    before = [weight.detach().clone() for weight in step.model.parameters()]
    with Undo(step.model, step.optimizer, taken.run) as undo:
        weights = [weight for _, weight in named(step.model).values()]
        found = list(effects(step, Probe(step.model, step.optimizer, taken.run, weights, []), undo, taken.progress))
    assert all(torch.equal(one, two) for one, two in zip(before, step.model.parameters(), strict=True))
    return found


def by_dial(found):
    return {effect.dial: effect for effect in found if effect.weight == "first.weight"}


def test_factors_by_hand():
    one, other = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([0.0, 3.0, 1.0])
    shares, fit = factors(2 * one - 0.5 * other, [one, other])
    assert shares == pytest.approx([2.0, -0.5])
    assert fit == pytest.approx(1.0)
    shares, fit = factors(torch.tensor([1.0, 1.0, 0.0]), [torch.tensor([1.0, 0.0, 0.0])])
    assert (shares, fit) == ([1.0], 0.5)
    shares, fit = factors(4 * one, [one, 3 * one])  # alike: one factor in common
    assert shares == pytest.approx([1.0, 1.0])
    shares, fit = factors(torch.zeros(3), [one, torch.zeros(3)])
    assert shares[0] == 0.0
    assert math.isnan(shares[1])
    assert math.isnan(fit)
    assert all(map(math.isnan, factors(one, [torch.zeros(3)])[0]))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize(
    ("item", "form", "declared"),
    [
        (L2(0.1), "gradient", {"l2.strength": 0.1}),
        (L2(schedule(0.1, 0.3)), "gradient", {"l2.strength": None}),
        (L2Start(0.1), "gradient", {"l2_start.strength": 0.1}),
        (L1(0.003, gradient_only=True), "gradient", {"l1.strength": 0.003}),
        (L1(0.003), "proximal step", {"l1.strength": 0.003}),
        (ElasticNet(0.003, 0.1), "proximal step", {"elastic_net.l1": 0.003, "elastic_net.l2": 0.1}),
        (GroupLasso(0.003), "proximal step", {"group_lasso.strength": 0.003}),
        (DecoupledDecay(0.5), "decay", {"decoupled_decay.strength": 0.5}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str | dict) else "",
)
def test_what_is_declared_is_measured(own, optimizer, item, form, declared):
    found = measured(own(item, optimizer=optimizer))
    assert {effect.form for effect in found} == {form}
    assert [effect.weight for effect in found if effect.dial == next(iter(declared))] == MATRICES
    assert {effect.dial for effect in found} == set(declared)
    for effect in found:
        assert effect.declared == pytest.approx(declared[effect.dial] or 0.2, rel=0.3)
        assert effect.measured == pytest.approx(effect.declared, rel=2e-3)
        assert effect.fit > 0.999


def test_sgd_without_momentum_keeps_no_state(own):
    found = measured(own(L1(0.003), optimizer="sgd", momentum=0.0))
    assert [effect.measured for effect in found] == pytest.approx([0.003, 0.003], rel=2e-3)


def test_several_on_one_weight_are_told_apart(own):
    found = by_dial(measured(own(L2(0.1), L1(0.003, gradient_only=True), DecoupledDecay(0.5), clip=0.01)))
    assert {dial: round(effect.measured, 4) for dial, effect in found.items()} == {
        "l2.strength": 0.1, "l1.strength": 0.003, "decoupled_decay.strength": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("rule", [SAM(0.1), GradientNoise(0.1), MaxNorm(0.2)], ids=lambda rule: rule.key)
def test_other_rules_of_the_update_do_not_disturb(own, rule):
    found = by_dial(measured(own(rule, L2(0.1), L1(0.003), optimizer="sgd")))
    assert found["l2.strength"].measured == pytest.approx(0.1, rel=1e-3)
    assert found["l1.strength"].measured == pytest.approx(0.003, rel=2e-3)


@pytest.mark.parametrize("item", [Nuclear(0.02), SCAD(0.02)], ids=lambda item: item.key)
def test_penalties_that_are_known_under_sgd_only_or_seen_there_best(own, item):
    found = measured(own(item, optimizer="sgd", epochs=4))
    assert [effect.measured for effect in found] == pytest.approx([0.02, 0.02], rel=1e-2)


def test_a_penalty_that_is_never_added_measures_nothing(own):
    def forgotten(step):
        step.penalties.add_gradients = lambda: None

    found = measured(own(L2(0.1)), forgotten)
    assert [effect.measured for effect in found] == [0.0, 0.0]


def test_a_penalty_that_acts_twice_measures_twice(own):
    def twice(step):
        once = step.penalties.add_gradients
        step.penalties.add_gradients = lambda: (once(), once())

    found = measured(own(L2(0.1)), twice)
    assert [effect.measured for effect in found] == pytest.approx([0.2, 0.2])


def test_proximal_steps_that_are_left_out_measure_nothing(own):
    def forgotten(step):
        step.penalties.proximal_steps = lambda: None

    found = measured(own(L1(0.003)), forgotten)
    assert [effect.measured for effect in found] == [0.0, 0.0]


def test_on_weights_that_are_all_zero_nothing_is_to_be_seen(own):
    case = own(L1(3.0), optimizer="sgd", epochs=4)
    assert not case.weights["first.weight"].any()
    assert all(math.isnan(effect.measured) for effect in measured(case))


def test_a_pair_that_is_tied_has_no_strength_to_measure(own):
    case = own(HierarchicalLasso(0.01), model="bridle.models.skip_mlp:skip_mlp", optimizer="sgd", learning_rate=1e-3)
    assert measured(case) == []
