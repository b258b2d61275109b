"""A small classification, and nets that train on it in float64."""

from importlib.util import find_spec

import pytest
import torch
from torch import nn

collect_ignore_glob = [] if find_spec("skorch") else ["test_*.py"]


class Net(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.first, self.last = nn.Linear(6, width).double(), nn.Linear(width, 3).double()
        self.drop = nn.Dropout(0.0)  # one of its own rate would draw from the global generator
        with torch.no_grad():
            for weight in self.parameters():
                weight.copy_(0.4 * torch.randn(weight.shape, generator=generator, dtype=torch.float64))

    def forward(self, x):
        return self.last(self.drop(self.first(x).tanh()))


class Normalised(Net):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(12).double()

    def forward(self, x):
        return self.last(self.drop(self.norm(self.first(x)).tanh()))


@pytest.fixture(scope="session")
def rows():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(90, 6, generator=generator, dtype=torch.float64)
    noise = torch.randn(90, 3, generator=generator, dtype=torch.float64)
    return inputs.numpy(), (inputs[:, :3] + noise).argmax(1).numpy()


@pytest.fixture
def make(rows):
    """A net on a module, 60 rows to train on and 30 to validate on."""
    from skorch import NeuralNetClassifier
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    valid = predefined_split(Dataset(rows[0][60:], rows[1][60:]))

    def build(*callbacks, module=Net, kind=NeuralNetClassifier, **settings):
        settings = {
            "criterion": nn.CrossEntropyLoss,
            "optimizer": torch.optim.SGD,
            "optimizer__momentum": 0.9,
            "lr": 0.1,
            "batch_size": 16,
            "max_epochs": 4,
            "verbose": 0,
            "train_split": valid,
            "callbacks": list(callbacks),
        } | settings
        return kind(module, **settings)

    return build


@pytest.fixture
def train(rows):
    return lambda net: net.fit(rows[0][:60], rows[1][:60])


@pytest.fixture
def modules():
    return Net, Normalised
