"""Compiled gradients: the same members, alone and in company, and what happens where they cannot be had.

One test compiles; the others put something else in the compiler's place.
"""

import pytest
import torch

from bridle.engine.packs.compiled import Compiled
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.pack import Pack
from bridle.engine.packs.train import train_together
from bridle.engine.process import flushed, threads
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2

RECIPES = [(Dropout(0.2), L2(1e-3)), (Dropout(0.1), L1(1e-3)), (Dropout(0.3), L2(1e-2))]
SIZE = 9


@pytest.fixture
def epochs():
    """Trains packs for some epochs; gives the weights by candidate and the kind."""

    def run(members, setting, *, fills=True):
        kind = Kind(members[0], setting, SIZE)
        pack = Pack(setting, kind, fills=fills)
        slots = [pack.join(member) for member in members]
        with threads(1), flushed():
            pack.arrange()
            for _ in range(members[0].recipe.training.epochs):
                pack.train_epoch()
        return {slot.course.member.candidate: pack.weights(slot) for slot in slots}, kind

    return run


def close(one, other, tolerance):
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=tolerance, atol=tolerance)


def test_it_gives_the_same_members_in_any_company(epochs, crowd, shared, table, nets, by_itself, assert_same):
    members, dataset = crowd(RECIPES, 12, epochs=25), table()
    setting = shared(dataset, nets["plain"], dtype=torch.float64, compiled=True)
    found, kind = epochs(members, setting)
    assert kind.compiled.refused == ""
    assert len(setting.graphs) == 1  # members join in any number, and nothing is compiled anew
    for number in (0, 5, 11):
        training = by_itself(members[number], shared(dataset, nets["plain"], dtype=torch.float64))
        assert training.course.steps > 50
        close(found[number], training.weights(), 1e-9)
    few, _ = epochs([members[7], members[2], members[4]], setting)
    alone, _ = epochs([members[3]], setting)
    for number, weights in (few | alone).items():
        assert_same(weights, found[number])
    assert len(setting.graphs) == 1


@pytest.mark.slow
def test_statistics_of_batches_are_the_members_own(epochs, crowd, shared, table, nets, assert_same):
    members = crowd(RECIPES, 12, epochs=3)
    dataset = table()
    setting = shared(dataset, nets["normed"], dtype=torch.float64, compiled=True)
    found, kind = epochs(members, setting, fills=False)
    assert kind.compiled.refused == ""
    expected, _ = epochs(members, shared(dataset, nets["normed"], dtype=torch.float64), fills=False)
    few, _ = epochs([members[7], members[2], members[4]], setting, fills=False)
    assert any("running_mean" in name for name in found[0])
    for number, weights in found.items():
        close(weights, expected[number], 1e-9)
    for number, weights in few.items():
        assert_same(weights, found[number])


def refusing(graph, **_):
    raise RuntimeError("there is no compiler\nand more")


def half(graph, **_):
    return lambda *tensors: [found / 2 for found in graph(*tensors)]


def by_place(graph, **_):
    def call(*tensors):
        found = graph(*tensors)
        return [value * (1 + 1e-7 * torch.arange(len(value)).view(-1, *[1] * (value.ndim - 1))) for value in found]

    return call


@pytest.mark.parametrize(
    ("compiler", "reason"),
    [
        (refusing, "RuntimeError: there is no compiler"),
        (half, "ArithmeticError: compiled, its gradients are others"),
        (by_place, "ArithmeticError: compiled, its last bits depend on who shares the pack"),
    ],
)
def test_what_does_not_compile_trains_as_it_is_and_says_so(
    crowd, shared, table, tmp_path, monkeypatch, compiler, reason
):
    monkeypatch.setattr(torch, "compile", compiler)
    members, dataset = crowd(RECIPES, 4), table()
    with threads(1):
        found = dict(train_together(members, shared(dataset, None, compiled=True, folder=tmp_path / "one"), size=SIZE))
        plain = dict(train_together(members, shared(dataset, None, folder=tmp_path / "other"), size=SIZE))
    for member in members:
        assert found[member].curves == plain[member].curves
        (finding,) = (finding for finding in found[member].findings if finding.name == "not_compiled")
        assert finding.message.endswith(f"so packs trained without that. {reason}")
        assert "not_compiled" not in {finding.name for finding in plain[member].findings}


def test_what_the_compiler_gives_is_what_trains(epochs, crowd, shared, table, monkeypatch):
    calls = []

    def counting(graph, **options):
        assert options == {"dynamic": False, "fullgraph": True}
        return lambda *tensors: calls.append(len(tensors[0])) or graph(*tensors)

    monkeypatch.setattr(torch, "compile", counting)
    members, dataset = crowd(RECIPES, 12, batch_size=32), table()
    found, kind = epochs(members, shared(dataset, None, compiled=True))
    expected, _ = epochs(members, shared(dataset, None))
    assert isinstance(kind.compiled, Compiled)
    assert set(calls) == {SIZE}  # always as many rows as it was made for
    steps, tried = 2 * 2, 2
    assert len(calls) == tried + 2 * steps  # twelve members in two calls, for each full batch; the rest of 4 is not
    for number, weights in found.items():
        close(weights, expected[number], 1e-6)
