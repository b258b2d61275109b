"""The handle in several processes (gloo, real ones: the weights of one process), and beside compiled steps."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam

from bridle.core import Recipe, schedule
from bridle.engine.attach import attach
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.terms import ActivationL1, ConfidencePenalty
from bridle.regularizers.updates import DecoupledDecay

SCRIPT = Path(__file__).with_name("replicas.py")


def test_two_processes_give_the_weights_of_one(tmp_path):
    surroundings = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, str(SCRIPT), str(rank), str(tmp_path)], env=surroundings) for rank in (0, 1)
    ]
    assert [process.wait(timeout=300) for process in started] == [0, 0]
    spec = importlib.util.spec_from_file_location("replicas", SCRIPT)
    replicas = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replicas)
    with torch.random.fork_rng():
        alone = replicas.make_net()
    replicas.train(alone, slice(None))
    assert (alone[0].weight == 0).any()
    for rank in (0, 1):
        for name, weight in load_file(tmp_path / f"{rank}.safetensors").items():
            torch.testing.assert_close(weight, alone.state_dict()[name], rtol=1e-12, atol=1e-14)


@pytest.fixture
def made():
    """The graphs that a compiler made, and a compiler that only counts."""
    torch._dynamo.reset()
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    # Each number that a graph reads is a constant of it: nothing hides behind one that was made dynamic.
    with torch._dynamo.config.patch(specialize_float=True, automatic_dynamic_shapes=False):
        yield graphs, backend
    torch._dynamo.reset()


def train(recipe, optimizer, whole, compiler):
    """Twelve steps; how many graphs there are after each is given by ``compiler``."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()
        batches = [(torch.randn(16, 6).double(), torch.randint(0, 3, (16,))) for _ in range(12)]
    chosen = optimizer(model.parameters())
    handle = attach(model, chosen, recipe, steps=12)

    def loss_of(x, y):
        loss = cross_entropy(model(x), y)
        return loss + handle.terms() if handle.has_terms else loss

    front = loss_of if whole else compiler(loss_of)

    def step(x, y):
        chosen.zero_grad()
        front(x, y).backward()
        chosen.step()

    run = compiler(step) if whole else step
    for batch in batches:
        run(*batch)
        yield model


@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")  # of torch, in its compiler
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # there, too
@pytest.mark.parametrize("whole", [True, False], ids=["step", "loss"])
@pytest.mark.parametrize(
    "optimizer", [lambda w: SGD(w, 0.1, momentum=0.9), lambda w: Adam(w, 0.02)], ids=["sgd", "adam"]
)
@pytest.mark.parametrize(
    "item",
    [
        L2(schedule(0.0, 0.3)),
        L1(schedule(0.1, 0.01)),
        DecoupledDecay(schedule(0.0, 0.3)),
        ConfidencePenalty(schedule(0.0, 0.5)),
        ActivationL1(schedule(0.0, 0.1), scope={"names": "1"}),
    ],
    ids=lambda item: item.key,
)
def test_a_strength_that_moves_compiles_nothing_anew(item, optimizer, whole, made):
    graphs, backend = made
    counts, kept = [], None
    for model in train(Recipe(item), optimizer, whole, lambda function: torch.compile(function, backend=backend)):
        counts.append(len(graphs))
        kept = model
    assert counts[0] > 0
    assert counts[2:] == [counts[2]] * 10
    *_, plain = train(Recipe(item), optimizer, whole, lambda function: function)
    # Adam counts its steps in float32 where it is compiled.
    torch.testing.assert_close(kept.state_dict(), plain.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*script_method:DeprecationWarning")
def test_a_weight_decay_of_torch_that_moves_does(made):
    """What the test above would see if strengths were constants of the graph."""
    graphs, backend = made
    model = nn.Linear(3, 2)
    optimizer = SGD(model.parameters(), 0.1)
    step = torch.compile(optimizer.step, backend=backend)
    counts = []
    for count in range(6):
        optimizer.param_groups[0]["weight_decay"] = 0.1 * (count + 1)
        model(torch.ones(1, 3)).sum().backward()
        step()
        counts.append(len(graphs))
    assert counts[-1] > counts[2]
