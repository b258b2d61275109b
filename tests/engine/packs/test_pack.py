"""Alone and in company: bit for bit the same in any pack, and in float64 what a plain loop gives."""

import dataclasses

import pytest
import torch

from bridle.core import Anchored, Augmentation, LossTerm, Proximal, Recipe, StopRule, Training
from bridle.engine.packs.kind import Kind, alone
from bridle.engine.packs.pack import Pack
from bridle.engine.packs.probe import needs_spare
from bridle.engine.process import flushed, threads
from bridle.regularizers.augment import FeatureNoise, Mixup
from bridle.regularizers.averaging import EMA
from bridle.regularizers.catalogue import catalogue
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2, GroupLasso, HierarchicalLasso, Nuclear, Orthogonality
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.updates import DecoupledDecay, MaxNorm
from bridle.testing.instances import instances

STACKED = {name: cls for name, cls in catalogue().items() if not issubclass(cls, LossTerm | Anchored) and name != "sam"}
SKIP = "bridle.models.skip_mlp:skip_mlp"


def recipes_of(cls):
    """Recipes with a regularizer at several values of its dials, and two without it."""
    kept = [item for item in instances(cls) if not isinstance(item, StopRule) or item.patience < 4]
    return [(), *[(item,) for item in kept[:8]], (L2(1e-3),)]


def problem(cls, table, images):
    on_images = issubclass(cls, Augmentation) and "table" not in {str(kind) for kind in cls.acts_on}
    return images(rows=96) if on_images else table()


def settings_of(cls):
    return {"optimizer": "sgd"} if cls in (Nuclear, HierarchicalLasso) else {}


@pytest.mark.parametrize("name", STACKED)
def test_the_same_bits_in_any_company(name, table, images, nets, crowd, shared, trained, assert_same):
    cls = STACKED[name]
    model = {HierarchicalLasso: SKIP, Orthogonality: nets["even"]}.get(cls, nets["plain"])
    setting = shared(problem(cls, table, images), model)
    members = crowd(recipes_of(cls), 40, **settings_of(cls))
    if cls is Dropout:
        members = [member for member in members if member.recipe.of(Dropout) and member.recipe.of(Dropout)[0].k is None]
    if cls is HierarchicalLasso:
        members = [member for member in members if member.recipe.of(HierarchicalLasso)]
    spare = needs_spare(members[-1], setting, fills=True)
    assert spare is not None
    whole = trained(members, setting, spare=spare)
    count = len(members)
    for chosen in ([7, 3], [5, 1, 2], list(range(count - 1, count - 10, -1)), [count // 2]):
        company = trained([members[at] for at in chosen], setting, spare=spare)
        for number, (weights, series) in company.items():
            assert_same(weights, whole[number][0])
            assert series == whole[number][1]


def test_a_network_with_batch_normalisation_too(table, nets, crowd, shared, trained, assert_same):
    """Batches are not filled up: their rests are trained one member at a time."""
    setting, fills = shared(table(), nets["normed"]), False
    members = crowd([(EMA(0.9), L2(1e-3)), (L1(1e-3),), (Mixup(0.3),), (EarlyStopping(1),)], 40)
    spare = needs_spare(members[0], setting, fills=fills)
    assert spare is not None
    whole = trained(members, setting, fills=fills, spare=spare)
    for chosen in ([7, 3], [5, 1, 2], list(range(39, 30, -1)), [20]):
        company = trained([members[at] for at in chosen], setting, fills=fills, spare=spare)
        for number, (weights, _) in company.items():
            assert_same(weights, whole[number][0])


MIXED = [
    (Dropout(0.3), L2(1e-2), EMA(0.9)),
    (Dropout(0.0), L1(3e-3), LabelSmoothing(0.1)),
    (Dropout(0.1), Mixup(0.4), GroupLasso(1e-3)),
    (Dropout(0.2), FeatureNoise(0.2), MaxNorm(1.0), L1(1e-3, scope={"names": "1.weight"}), L2(0.1)),
    (Dropout(0.2), DecoupledDecay(0.1), EarlyStopping(2)),
]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(("net", "fills"), [("plain", True), ("plain", False), ("normed", False)])
def test_in_float64_a_pack_is_what_plain_loops_are(
    optimizer, net, fills, table, nets, crowd, shared, trained, by_itself
):
    """After some 200 steps within 1e-9."""
    setting = shared(table(), nets[net], dtype=torch.float64)
    training = {"optimizer": optimizer, "epochs": 44, "warmup": 0.1, "clip": 0.5, "learning_rate": 0.01}
    members = crowd(MIXED, 20, **training)[::3]
    together = trained(members, setting, fills=fills)
    for member in members:
        training = by_itself(member, setting)
        weights, series = together[member.candidate]
        assert training.course.batches.per_epoch * training.course.epoch >= 200 or member.recipe.of(StopRule)
        for name, expected in training.weights().items():
            torch.testing.assert_close(weights[name], expected, rtol=1e-9, atol=1e-9)
        assert series.keys() == training.course.series.keys()
        for name, values in training.course.series.items():
            assert series[name] == pytest.approx(values, rel=1e-7, abs=1e-9)


def test_steps_of_all_kinds_agree_with_the_plain_loop(table, images, nets, crowd, shared, trained, by_itself):
    """Every regularizer that stacks, for a few steps in float64: a pack of unlike members against each by itself."""
    for name, cls in STACKED.items():
        if cls is HierarchicalLasso:
            continue
        setting = shared(problem(cls, table, images), nets["plain"], dtype=torch.float64)
        members = crowd(recipes_of(cls), 40, epochs=1, **settings_of(cls))[1:40:5]
        if cls is Dropout:
            members = [one for one in members if one.recipe.of(Dropout) and one.recipe.of(Dropout)[0].k is None]
        together = trained(members, setting)
        for member in members:
            for weight, expected in by_itself(member, setting).weights().items():
                torch.testing.assert_close(
                    together[member.candidate][0][weight], expected, rtol=1e-8, atol=1e-9, msg=name
                )


def test_a_checkpoint_of_a_pack_goes_on_anywhere(table, nets, crowd, shared, trained, assert_same, by_itself):
    """In another pack to the same bits; by itself and back in float64."""
    setting = shared(table(), nets["plain"])
    members = crowd(MIXED, 20, epochs=4)
    whole = trained(members, setting)
    pack = Pack(setting, Kind(members[0], setting), 1)
    slots = [pack.join(member) for member in members]
    with threads(1), flushed():
        pack.arrange()
        pack.train_epoch()
    states = {slot.course.member.candidate: pack.state(slot) for slot in slots}
    states = {
        number: ({name: value.clone() for name, value in tensors.items()}, plain.copy())
        for number, (tensors, plain) in states.items()
    }
    for chosen in ([4, 9, 2], [7], [0, 1, 5, 8, 13, 17, 19]):
        for number, (weights, _) in trained([members[at] for at in chosen], setting, states=states).items():
            assert_same(weights, whole[number][0])


def test_members_may_join_later_and_stay_what_they_are(table, nets, crowd, shared, trained, assert_same):
    """They are then in another epoch than the others, on another part of their schedule."""
    setting = shared(table(), nets["plain"])
    members = crowd(MIXED, 12, epochs=3)
    whole = trained(members, setting)
    pack = Pack(setting, Kind(members[0], setting), 1)
    waiting, found = list(members), {}
    with threads(1), flushed():
        while waiting or pack.slots:
            while waiting and len(pack.slots) < 5:
                pack.join(waiting.pop(0))
                if len(pack.slots) == 3:
                    break
            pack.arrange()
            pack.train_epoch()
            for slot in [slot for slot in pack.slots if slot.course.rests]:
                found[slot.course.member.candidate] = pack.weights(slot)
                pack.slots.remove(slot)
    for number, weights in found.items():
        assert_same(weights, whole[number][0])


def test_what_becomes_no_number_leaves_the_others_alone(table, nets, crowd, shared, trained, assert_same):
    setting = shared(table(), nets["plain"])
    members = crowd([()], 6)
    wild = dataclasses.replace(
        members[2], recipe=Recipe(training=Training(learning_rate=1e30, epochs=2, batch_size=16))
    )
    expected = trained(members, setting)
    pack = Pack(setting, Kind(members[0], setting))
    slots = [pack.join(one) for one in (*members[:2], wild, *members[3:])]
    with threads(1), flushed():
        pack.arrange()
        pack.train_epoch()
        pack.train_epoch() if slots[2].failure is None else None
    assert "became" in str(slots[2].failure)
    with threads(1), flushed():
        while slots[0].course.epoch < 2:
            pack.train_epoch()
    for slot in (*slots[:2], *slots[3:]):
        assert slot.failure is None
        assert_same(pack.weights(slot), expected[slot.course.member.candidate][0])


def test_who_trains_by_itself_and_why():
    assert alone(Recipe(Dropout(0.1), L1(0.1))) == ""
    sam = catalogue()["sam"](radius=0.1)
    assert alone(Recipe(sam)) == "sam takes the gradient anew"
    assert alone(Recipe(catalogue()["l2_start"](strength=0.1))) == "l2_start remembers where its weights started"
    assert alone(Recipe(catalogue()["activation_l1"](strength=0.1))) == "activation_l1 looks into the forward pass"
    assert alone(Recipe(training=Training(precision="bfloat16"))) == "its precision is bfloat16"
    assert not [cls for cls in STACKED.values() if issubclass(cls, Proximal) and alone(Recipe(instances(cls)[0]))]
