"""What a step does to gradients before the optimizer: the exchange of two real processes, and a factor of its own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.optim import LBFGS, SGD

from bridle.auditing.audit import audit
from bridle.auditing.exchange import SILENT
from bridle.auditing.measure import Measurement
from bridle.auditing.probe import Probe
from bridle.auditing.strengths import Strengths
from bridle.auditing.undo import Undo

ALONE = {
    "mean": {},
    "clipped": {"clip": 0.1},
    "decayed": {"optimizer": "adamw", "penalty": None, "clip": 0.2},
    "attached": {"penalty": None, "clip": 0.2},
    "micro": {"micro": 2},
    "averaged": {},
    "scaled": {"scaler": "scaler", "clip": 0.1},
}
"""What one process with all rows is asked for, by the case of two processes that comes to the same."""
WRAPPED = Path(__file__).with_name("wrapped_replicas.py")


def near(value, expected):
    """The same numbers in records, whatever is in what."""
    if isinstance(expected, dict):
        assert value.keys() == expected.keys()
        for name, one in expected.items():
            near(value[name], one)
    elif isinstance(expected, float):
        assert value == pytest.approx(expected, rel=1e-8, abs=1e-8, nan_ok=True)
    else:
        assert value == expected


def alone(name, replicas):
    asked = {key: getattr(replicas, value) if isinstance(value, str) else value for key, value in ALONE[name].items()}
    if "scaler" in asked:
        asked["scaler"] = asked["scaler"]()
    case = replicas.training(**asked)
    return replicas.told(replicas.attached(case) if name == "attached" else case)


def as_expected(found, expected, passes=("passes", "penalty_passes", "root")):
    """Two audits that tell the same."""
    entries = json.loads(json.dumps(expected["ledger"]["entries"]))
    for entry, other in zip(found["ledger"]["entries"], entries, strict=True):
        near(entry, other)
    for field in ("optimizer", "form", "noise", "data_weight", "scaled", "clipped_scaled", *passes):
        near(found["ledger"][field], expected["ledger"][field])
    assert found["findings"].keys() == expected["findings"].keys()
    assert found["ledger"]["notes"] == [*expected["ledger"]["notes"]]
    assert found["kept"]


@pytest.mark.parametrize("name", ALONE)
def test_two_processes_find_what_one_does(name, together, replicas):
    expected = alone(name, replicas)
    for found in together:
        as_expected(found[name], expected)
        assert (found[name]["ledger"]["processes"], found[name]["ledger"]["replicas"]) == (2, 1.0)


def test_everything_is_put_back_and_each_process_took_as_many_runs(together):
    one, other = together
    for name, found in one.items():
        assert found["kept"], name
        assert other[name]["kept"], name
        assert found["ledger"]["steps"] == other[name]["ledger"]["steps"], name
        assert found["ledger"]["noise"] == 0.0, name


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("name", "replicas_", "data_weight", "sources"),
    [
        ("summed", 2.0, 2.0, {"loss": 0.1}),
        ("divided and summed", 2.0, 1.0, {"loss": 0.2}),
        ("both divided and summed", 2.0, 1.0, {"loss": 0.1}),
        ("divided and averaged", 1.0, 0.5, {"loss": 0.2}),
        ("more by hand", 1.0, 1.0, {"loss": 0.1, "by hand": 0.03}),
        ("by the first process", 1.0, 1.0, {"loss": 0.05}),
    ],
)
def test_strengths_are_those_after_the_exchange(name, replicas_, data_weight, sources, rank, together):
    ledger = together[rank][name]["ledger"]
    assert (ledger["replicas"], ledger["data_weight"]) == (replicas_, data_weight)
    for entry in ledger["entries"]:
        assert entry["sources"] == pytest.approx(sources if entry["name"].endswith("weight") else {})
        assert entry["clip"] == 1.0
        assert "clipping" not in entry["parts"]


def test_clipping_before_unscaling_is_told_from_the_exchange(together):
    for found in together:
        assert found["clipped early"]["ledger"]["clipped_scaled"]
        assert not found["scaled"]["ledger"]["clipped_scaled"]


def test_a_process_by_itself_asks_nobody(together):
    ledger = together[1]["alone"]["ledger"]
    assert (ledger["processes"], ledger["replicas"], ledger["data_weight"]) == (2, 1.0, 1.0)
    assert [entry["strength"] for entry in ledger["entries"][::2]] == pytest.approx([0.1, 0.1])


def test_what_only_one_process_sees_is_said_there(together):
    """Its loss has a part without gradient in process 0, its outputs depend on one more weight in process 1."""
    first, second = together
    assert "penalty_without_effect" in first["uneven"]["findings"]
    assert "penalty_without_effect" not in second["uneven"]["findings"]
    assert [found["uneven"]["ledger"]["entries"][0]["used"] for found in together] == [False, True]


def test_weights_that_are_exchanged_otherwise_are_noted(together):
    (note,) = together[0]["unlike"]["ledger"]["notes"]
    assert note.startswith("Between the backward pass and the optimizer not all gradients are multiplied alike: stren")


def divided(by):
    def divide(weight):
        weight.grad /= by

    return divide


@pytest.mark.parametrize("by", [4.0, 0.5])
@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_a_factor_of_the_steps_own_is_of_data_and_penalty_alike(line, by, strength):
    case = line(extra=lambda weight: 0.5 * strength * weight.square().sum(), before=divided(by))
    ledger = audit(case.model, case.optimizer, case.step).ledger
    (entry,) = ledger.entries
    assert (ledger.processes, ledger.replicas, ledger.data_weight) == (1, 1 / by, 1 / by)
    assert entry.sources == pytest.approx({"loss": strength} if strength else {})
    assert entry.clip == 1.0
    assert set(entry.parts) == ({"data", "penalty"} if strength else {"data"})
    assert entry.parts["data"].size == pytest.approx(0.1 * 2.0 / by, rel=1e-5)


def test_a_factor_beside_clipping_and_a_penalty_by_hand(line):
    def before(weight):
        weight.grad /= 4.0
        weight.grad.add_(weight.detach(), alpha=0.05)
        nn.utils.clip_grad_value_([weight], 0.1)

    case = line(extra=lambda weight: 0.15 * weight.square().sum(), before=before)
    ledger = audit(case.model, case.optimizer, case.step).ledger
    (entry,) = ledger.entries
    assert entry.sources == pytest.approx({"loss": 0.3, "by hand": 0.2})  # in units of the data loss, a quarter of it
    assert ledger.replicas == 0.25
    assert "clipping" in entry.parts


def test_micro_batches_summed_and_then_divided(training):
    case = training(penalty=lambda model: 0.05 * model.out.weight.square().sum())

    def step():
        case.optimizer.zero_grad()
        for words, targets in zip(case.words.chunk(4), case.targets.chunk(4), strict=True):
            loss = nn.functional.cross_entropy(case.model(words), targets)
            (loss + 0.05 * case.model.out.weight.square().sum()).backward()
        for weight in case.model.parameters():
            weight.grad /= 4
        case.optimizer.step()

    found = audit(case.model, case.optimizer, step)
    entries = {entry.name: entry for entry in found.ledger.entries}
    assert entries["out.weight"].sources == pytest.approx({"loss": 0.1})
    assert (found.ledger.data_weight, found.ledger.replicas) == (1.0, 0.25)
    assert not found.findings


def test_a_loss_of_ones_own_has_the_factor_one_before_it(line):
    case = line()

    def step():
        case.optimizer.zero_grad()
        (case.model(case.inputs).square().mean() + 0.15 * case.weight.square().sum()).backward()
        case.weight.grad /= 4
        case.optimizer.step()

    ledger = audit(case.model, case.optimizer, step).ledger
    assert str(ledger.data_weight) == "nan"
    assert ledger.entries[0].sources == pytest.approx({"loss": 0.3})


def test_later_evaluations_are_of_the_gradient_before_the_factor(line):
    case = line(lambda weights: LBFGS(weights, 0.1, max_iter=3))

    def closure():
        case.optimizer.zero_grad()
        loss = case.model(case.inputs).square().mean() + 0.15 * case.weight.square().sum()
        loss.backward()
        case.weight.grad *= 1.0 / by
        return loss

    for by in (1, 4):
        ledger = audit(case.model, case.optimizer, lambda: case.optimizer.step(closure)).ledger
        assert ledger.evaluations == 3
        noted = [note for note in ledger.notes if note.startswith("The step evaluates the gradient 3 times. On 1 of")]
        assert len(noted) == (by == 4)


def test_no_common_factor_is_none(line, training):
    def clip_by_hand(weight):
        weight.grad *= min(1.0, 0.5 / (float(weight.grad.norm()) + 1e-9))

    ledger = audit((case := line(before=clip_by_hand)).model, case.optimizer, case.step).ledger
    assert (ledger.replicas, ledger.entries[0].clip) == (1.0, pytest.approx(0.25))
    case = training(spoil=lambda model: model.words.weight.grad.mul_(0.5))
    ledger = audit(case.model, case.optimizer, case.step).ledger
    assert (ledger.replicas, ledger.data_weight) == (1.0, 1.0)
    assert {entry.name: entry.clip for entry in ledger.entries}["words.weight"] == pytest.approx(0.5)


def measured(case, processes):
    probe = Probe(case.model, case.optimizer, case.step, list(case.model.parameters()), [])
    return Measurement(probe, Undo(case.model, case.optimizer, case.step), processes=processes)


@pytest.mark.parametrize(("processes", "runs", "acts"), [(0, 1, False), (1, 2, False), (2, 4, True)])
def test_runs_that_it_takes(processes, runs, acts, line):
    """A silent one; one with a known gradient where gradients change; what is added by hand; one without clipping."""
    case = line(before=lambda weight: nn.utils.clip_grad_value_([weight], 0.1))
    found = measured(case, processes)
    before = found.probe.runs
    assert (found.exchange.acts, found.exchange.factor) == (acts, 1.0)
    assert found.probe.runs - before == (runs if processes < 2 else runs - 1)  # nothing was added by hand
    assert found.clipped


def test_several_processes_run_once_before_anything_is_noted(line):
    assert [measured(line(), processes).probe.runs for processes in (0, 1, 2)] == [2, 2, 3]


def test_processes_look_elsewhere_in_one_order():
    """What they draw for a weight must not hang on where it lies in memory."""
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(20))).double()
    optimizer = SGD(model.parameters(), 0.1)

    def step():
        optimizer.zero_grad()
        loss = model(torch.ones(3, 4, dtype=torch.float64)).square().mean()
        (loss + 0.05 * sum(weight.square().sum() for weight in model.parameters())).backward()
        optimizer.step()

    found = measured(SimpleNamespace(model=model, optimizer=optimizer, step=step), 2)
    run, changes = found.exchange._run, []

    def noted(plan, changed):
        changes.append(list(changed))
        return run(plan, changed)

    found.exchange._run = noted
    Strengths(found, 1.0)
    in_order = [id(weight) for weight in model.parameters()]
    assert [[id(weight) for weight in changed] for changed in changes if changed] == [in_order, in_order]


def test_gradients_elsewhere_are_told_apart_as_here(line):
    case = line(
        extra=lambda weight: 0.15 * weight.square().sum(),
        before=lambda weight: weight.grad.mul_(2.0).add_(weight.detach(), alpha=0.1),
    )
    found = measured(case, 1)
    assert found.exchange.factor == 2.0
    there = torch.tensor([[3.0, 1.0]])
    trace = found.exchange.trace(SILENT, {case.weight: there})
    torch.testing.assert_close(trace.raw(case.weight), 2.0 * 0.3 * there)
    torch.testing.assert_close(trace.seen[case.weight], (2.0 * 0.3 + 0.1) * there)


def test_weights_that_are_all_zero_cannot_carry_a_known_gradient():
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimizer = SGD(model.parameters(), 0.1)

    def step():
        optimizer.zero_grad()
        (model(torch.ones(3, 2)) - 1.0).square().mean().backward()
        model.weight.grad /= 4
        optimizer.step()

    ledger = audit(model, optimizer, step).ledger
    assert (ledger.replicas, ledger.entries[0].clip) == (1.0, pytest.approx(0.25))


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("wrapper", ["accelerate", "fabric"])
def test_accelerate_and_fabric(wrapper, processes, replicas, tmp_path):
    pytest.importorskip({"accelerate": "accelerate", "fabric": "lightning.fabric"}[wrapper])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    count = {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes), "NODE_RANK": "0"}
    ranks = [str(rank) for rank in range(processes)]
    started = [
        subprocess.Popen(
            [sys.executable, str(WRAPPED), wrapper, str(tmp_path)],
            env=os.environ | shared | count | {"RANK": rank, "LOCAL_RANK": rank},
        )
        for rank in ranks
    ]
    try:
        assert [process.wait(timeout=120) for process in started] == [0] * processes
    finally:
        for process in started:
            process.kill()
    for name in ("mean", "clipped", "attached"):
        expected = alone(name, replicas)
        for rank in ranks:
            found = json.loads((tmp_path / f"{rank}.json").read_text())[name]
            as_expected(found, expected, passes=())
            assert found["ledger"]["processes"] == processes
            assert found["ledger"]["passes"] == (2 if wrapper == "accelerate" else 1)
