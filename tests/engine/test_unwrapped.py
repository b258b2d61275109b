"""A recipe attached to what Accelerate and Fabric make of a model and an optimizer: the weights of the plain loop."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DataParallel
from torch.optim import Adam

from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.engine.unwrapped import plain_optimizer, unwrapped
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.terms import ConfidencePenalty
from bridle.regularizers.updates import DecoupledDecay

RECIPE = Recipe(
    L1(0.05, scope="first_layer"),
    L2(0.1, scope="last_layer"),
    DecoupledDecay(0.2, scope="biases"),
    ConfidencePenalty(0.1),
)


def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()


@pytest.fixture
def problem():
    """Eight batches of 16 rows with 6 columns in 3 classes, float64."""
    source = torch.Generator().manual_seed(3)
    inputs = torch.randn(8, 16, 6, generator=source, dtype=torch.float64)
    return list(zip(inputs, torch.randint(0, 3, (8, 16), generator=source), strict=True))


def plain(problem, every=1, recipe=RECIPE):
    model = net()
    optimizer = Adam(model.parameters(), 0.02)
    handle = attach(model, optimizer, recipe)
    for count, (x, y) in enumerate(problem, start=1):
        ((cross_entropy(model(x), y) + handle.terms()) / every).backward()
        if count % every == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 0.3)
            optimizer.step()
            optimizer.zero_grad()
    return model


def same(one, other):
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("first", ["attach", "prepare"])
def test_accelerate_with_accumulated_batches(first, problem):
    accelerate = pytest.importorskip("accelerate")
    for shared in (accelerate.state.AcceleratorState, accelerate.state.GradientState):
        shared._reset_state()  # one for the whole process, which another test may have used
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
    model = net()
    optimizer = Adam(model.parameters(), 0.02)
    handle = attach(model, optimizer, RECIPE) if first == "attach" else None
    prepared, stepper = accelerator.prepare(model, optimizer)
    handle = handle or attach(prepared, stepper, RECIPE)
    for x, y in problem:
        with accelerator.accumulate(prepared):
            accelerator.backward(cross_entropy(prepared(x), y) + handle.terms())
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(prepared.parameters(), 0.3)
            stepper.step()
            stepper.zero_grad()
    assert handle.step == 4
    assert (model[0].weight == 0).any()
    same(model, plain(problem, every=2))


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning")
@pytest.mark.parametrize("first", ["attach", "setup"])
def test_fabric(first, problem):
    fabric = pytest.importorskip("lightning.fabric").Fabric(accelerator="cpu", devices=1)
    model = net()
    optimizer = Adam(model.parameters(), 0.02)
    handle = attach(model, optimizer, RECIPE) if first == "attach" else None
    wrapped, stepper = fabric.setup(model, optimizer)
    handle = handle or attach(wrapped, stepper, RECIPE)
    assert unwrapped(wrapped) is model
    assert plain_optimizer(stepper) is optimizer
    assert list(handle.scopes["l1"]) == ["0.weight"]
    for x, y in problem:
        fabric.backward(cross_entropy(wrapped(x), y) + handle.terms())
        fabric.clip_gradients(wrapped, stepper, max_norm=0.3)
        stepper.step()
        stepper.zero_grad()
    assert handle.step == len(problem)
    same(model, plain(problem))


@pytest.mark.slow
@pytest.mark.parametrize("wrapper", ["accelerate", "fabric"])
def test_two_processes_give_the_weights_of_one(wrapper, tmp_path):
    pytest.importorskip({"accelerate": "accelerate", "fabric": "lightning.fabric"}[wrapper])
    script = Path(__file__).with_name("wrapped_replicas.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    started = [
        subprocess.Popen(
            [sys.executable, str(script), wrapper, str(tmp_path)],
            env=os.environ
            | shared
            | {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank, "NODE_RANK": "0", "LOCAL_WORLD_SIZE": "2"},
        )
        for rank in ("0", "1")
    ]
    assert [process.wait(timeout=200) for process in started] == [0, 0]
    for rank in (0, 1):
        found = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(found["two"], found["one"], rtol=1e-11, atol=1e-13)
    assert (found["one"]["0.weight"] == 0).any()


def test_wrappers_within_wrappers():
    model = net()
    assert unwrapped(DataParallel(torch.compile(model, backend="eager"))) is model
    optimizer = Adam(model.parameters())
    assert plain_optimizer(optimizer) is optimizer
