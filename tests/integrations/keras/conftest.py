"""What the tests in Keras share: a small problem, its network, and the same training in a plain torch loop.

They run under the torch backend; `KERAS_BACKEND=tensorflow` runs them under that one, as `test_graph.py` does.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if find_spec("keras"):
    import keras

import bridle

collect_ignore_glob = [] if find_spec("keras") else ["*.py"]


def pytest_collection_modifyitems(items):
    """Keras 3.15 turns torch's tensors into arrays in a way that NumPy 2.4 warns of."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(
                pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
            )


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)


@pytest.fixture
def backend():
    return keras.backend.backend()


@pytest.fixture
def torch_only(backend):
    if backend != "torch":
        pytest.skip("the torch backend only")


@pytest.fixture
def problem():
    """64 rows of 6 columns in 3 classes."""
    source = np.random.default_rng(0)
    return source.normal(size=(64, 6)).astype("float32"), source.integers(0, 3, 64)


@pytest.fixture
def net():
    def make(dropout=0.0):
        return keras.Sequential(
            [
                keras.layers.Input((6,)),
                keras.layers.Dense(8, activation="tanh", name="first"),
                keras.layers.Dropout(dropout, name="drop"),
                keras.layers.Dense(3, name="last"),
            ]
        )

    return make


@pytest.fixture
def compiled(net):
    def make(optimizer=None, model=None, **others):
        model = model or net()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer or keras.optimizers.SGD(0.1), **{"loss": loss, **others})
        return model

    return make


@pytest.fixture
def values():
    def copy(model):
        return [keras.ops.convert_to_numpy(variable.value).copy() for variable in model.trainable_variables]

    return copy


@pytest.fixture
def fit(problem):
    """Three epochs of four batches, in order."""

    def train(model, epochs=3, **others):
        return model.fit(*problem, **{"batch_size": 16, "epochs": epochs, "shuffle": False, "verbose": 0, **others})

    return train


@pytest.fixture
def plain(problem):
    """The same training in a torch loop with bridle.attach; gives the weights as Keras lays them out."""

    def train(start, optimizer, *items, epochs=3, micro=1, clip=0.0, steps=None):
        net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
        with torch.no_grad():
            for weight, value in zip(net.parameters(), start, strict=True):
                weight.copy_(torch.from_numpy(value.T.copy()))
        chosen = optimizer(net.parameters())
        handle = bridle.attach(net, chosen, bridle.Recipe(*items), steps=steps) if items else None
        x, y = (torch.from_numpy(part) for part in problem)
        for _ in range(epochs):
            for place in range(0, 64, 16):
                loss = torch.nn.functional.cross_entropy(net(x[place : place + 16]), y[place : place + 16])
                if handle and handle.has_terms:
                    loss = loss + handle.terms()
                (loss / micro).backward()
                if (place // 16 + 1) % micro == 0:
                    if clip:
                        torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
                    chosen.step()
                    chosen.zero_grad()
        return [weight.detach().numpy().T for weight in net.parameters()]

    return train


@pytest.fixture
def close():
    """Equal within float32 after a dozen steps."""

    def check(one, other, atol=1e-5):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            np.testing.assert_allclose(left, right, rtol=0, atol=atol)

    return check
