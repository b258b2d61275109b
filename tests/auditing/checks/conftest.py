"""What the tests of checks share: data, an observed training, and a plain step."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bridle.auditing.observed import Observed
from bridle.auditing.own_run import OwnRun
from bridle.core import Recipe, Training
from bridle.records import Entry, Ledger


def rows(count: int = 48, features: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, features, generator=draw), torch.randint(3, (count,), generator=draw)


@pytest.fixture
def batches() -> Callable[..., DataLoader]:
    def make(seed=0, **options):
        return DataLoader(TensorDataset(*rows(seed=seed)), batch_size=16, **options)

    return make


@pytest.fixture
def observe(batches) -> Callable[..., Observed]:
    """A training of ``model`` by a step that takes a batch; other parts of it may be given."""

    def make(model, *, loss=F.cross_entropy, step=None, **parts):
        torch.nn.init.constant_(next(model.parameters()), 0.1)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

        def plain(batch):
            inputs, target = batch
            optimizer.zero_grad()
            loss(model(inputs), target).backward()
            optimizer.step()

        return Observed(model, optimizer, step or plain, **{"loader": batches(), **parts})

    return make


@pytest.fixture
def linear() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.fixture
def own_run() -> Callable[..., OwnRun]:
    """What is known of a run of Bridle's own: ``own_run(L2(0.1), weight_decay=0.1, of={"steps": 10})``."""

    def make(*regularizers, of=None, **training) -> OwnRun:
        known: dict[str, Any] = {"metric": "log_loss", "steps": 100, "sizes": {}} | (of or {})
        return OwnRun(Recipe(*regularizers, training=Training(**training)), **known)

    return make


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """One parameter of a ledger."""

    def make(name="first.weight", **fields) -> Entry:
        usual: dict[str, Any] = {
            "kind": "matrices", "shape": (4, 4), "trained": True, "held": True, "used": True, "size": 2.0,
            "movement": 0.01, "zeros": 0.0, "rate": 0.01, "data_gradient": 1.0, "penalty_gradient": 0.0,
        }  # fmt: skip
        return Entry(name=name, **(usual | fields))

    return make


@pytest.fixture
def ledger() -> Callable[..., Ledger]:
    """A ledger of some parameters."""

    def make(*entries, **fields) -> Ledger:
        return Ledger(entries, "AdamW", **fields)

    return make
