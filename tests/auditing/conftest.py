"""A small training to audit: a network, a batch and the step that everybody writes."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD

from bridle.core import Recipe, Training
from bridle.data.dataset import Dataset
from bridle.engine.member import MemberTraining
from bridle.engine.setting import Setting
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Column, Fold, Kind, Layout, Mark, Task


class Net(nn.Module):
    """An embedding, a linear layer, a norm, a linear layer."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(30, 6)
        self.hidden = nn.Linear(6, 8)
        self.norm = nn.LayerNorm(8)
        self.out = nn.Linear(8, 3)

    def forward(self, words):
        return self.out(self.norm(self.hidden(self.words(words).mean(1))).relu())


@pytest.fixture
def training():
    """Builds a training: ``training(optimizer=..., penalty=..., ...)`` with the model, its optimizer and its step."""

    def build(optimizer=lambda weights: SGD(weights, 0.1), penalty=None, micro=1, clip=None, spoil=None, net=Net):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = net()
        source = torch.Generator().manual_seed(1)
        words = torch.randint(0, 20, (16, 5), generator=source)
        targets = torch.randint(0, 3, (16,), generator=source)
        opt = optimizer(matrices(model)) if optimizer.__name__ == "scoped" else optimizer(model.parameters())

        def step():
            opt.zero_grad()
            for part, goal in zip(words.chunk(micro), targets.chunk(micro), strict=True):
                loss = cross_entropy(model(part), goal) / micro
                (loss if penalty is None else loss + penalty(model)).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            if spoil is not None:
                spoil(model)
            opt.step()

        return SimpleNamespace(model=model, optimizer=opt, step=step, words=words, targets=targets)

    return build


@pytest.fixture
def line():
    """Builds least squares on a line: ``line(extra=..., optimizer=...)``, whose gradients are known by hand.

    Weights (1, -2), inputs (1, 0), (0, 1) and (1, 1), targets 0: residuals 1, -2, -1; their mean square is 2, and its
    gradient 2/3 * (0, -3) = (0, -2).
    """

    def build(optimizer=lambda weights: SGD(weights, 0.1), extra=lambda _: 0.0, before=None, after=None):
        model = nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            model.weight.copy_(torch.tensor([[1.0, -2.0]]))
        opt, inputs = optimizer(model.parameters()), torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])

        def step():
            opt.zero_grad()
            (nn.functional.mse_loss(model(inputs), torch.zeros(3, 1)) + extra(model.weight)).backward()
            if before is not None:
                before(model.weight)
            opt.step()
            if after is not None:
                after(model.weight)

        return SimpleNamespace(model=model, optimizer=opt, step=step, weight=model.weight, inputs=inputs)

    return build


REPLICAS = Path(__file__).with_name("replicas.py")


@pytest.fixture(scope="session")
def replicas():
    """The module of that file."""
    spec = importlib.util.spec_from_file_location("auditing_replicas", REPLICAS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def together(tmp_path_factory):
    """What two processes found in all cases of replicas.py, by process."""
    folder = tmp_path_factory.mktemp("together")
    surroundings = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, str(REPLICAS), str(rank), str(folder)], env=surroundings) for rank in (0, 1)
    ]
    try:
        assert [process.wait(timeout=200) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


class Tanh(nn.Module):
    """Two linear layers."""

    def __init__(self, example, outputs):
        super().__init__()
        self.first, self.last = nn.Linear(len(example), 8), nn.Linear(8, outputs)

    def forward(self, x):
        return self.last(self.first(x).tanh())


@pytest.fixture
def tanh():
    return Tanh


@pytest.fixture
def table():
    """A table of numbers with three classes."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(96, 4)).astype(np.float32)
    signal = inputs[:, 0] - inputs[:, 1] + generator.normal(size=96)
    names = tuple(Column(f"x{number}") for number in range(4))
    layout = Layout(Kind.TABLE, Task.CLASSIFICATION, (4,), columns=names, classes=("a", "b", "c"))
    return Dataset(inputs, np.digitize(signal, [-1, 1]).astype(np.int64), layout)


@pytest.fixture
def own(table):
    """A finished training of Bridle's own: ``own(L2(0.1), epochs=2, ...)`` with member, setting, weights and epochs."""

    def make(*regularizers, model=Tanh, loss=None, epochs=2, **training):
        settings = Training(**{"epochs": epochs, "batch_size": 16, "learning_rate": 0.01, **training})
        setting = Setting(table, metrics.default(Task.CLASSIFICATION), model, loss=loss)
        fold = Fold(0, np.full(len(table), Mark.TRAIN, dtype=np.int8))
        member = Member(0, Recipe(*regularizers, training=settings), fold, 0)
        trained = MemberTraining(member, setting)
        while not trained.course.finished:
            trained.train_epoch()
        return SimpleNamespace(member=member, setting=setting, weights=trained.weights(), epochs=epochs)

    return make


def matrices(model):
    """Two groups: what decays, and what does not."""
    weights = dict(model.named_parameters())
    scope = [name for name in weights if name in ("hidden.weight", "out.weight")]
    return [
        {"params": [weights[name] for name in scope]},
        {"params": [weight for name, weight in weights.items() if name not in scope], "weight_decay": 0.0},
    ]
