"""A small training to audit: a network, a batch and the step that everybody writes."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD


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


def matrices(model):
    """Two groups: what decays, and what does not."""
    weights = dict(model.named_parameters())
    scope = [name for name in weights if name in ("hidden.weight", "out.weight")]
    return [
        {"params": [weights[name] for name in scope]},
        {"params": [weight for name, weight in weights.items() if name not in scope], "weight_decay": 0.0},
    ]
