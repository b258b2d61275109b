"""A small table with a small space, and jobs on it."""

import numpy as np
import pytest

from bridle.core import Recipe, Training, between
from bridle.job.progress import Silent
from bridle.job.start import open_job, start
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.stopping import EarlyStopping


@pytest.fixture
def data():
    """Sixty rows of three columns, with two classes."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(60, 3)).astype(np.float32)
    return inputs, (inputs[:, 0] + generator.normal(size=60) > 0).astype(int)


@pytest.fixture
def space():
    """Two penalties, one of which may be left out."""
    return Recipe(
        L2(between(1e-6, 1e-1)),
        L1(between(1e-6, 1e-2), optional=True),
        training=Training(epochs=2, batch_size=32, learning_rate=between(1e-3, 3e-2)),
    )


@pytest.fixture
def patient():
    """A space with early stopping."""
    training = Training(epochs=8, batch_size=16, learning_rate=3e-2)
    return Recipe(L2(between(1e-6, 1e-1)), EarlyStopping(patience=1), training=training)


@pytest.fixture
def begin(tmp_path, data, space):
    """Opens a job on the small table: ``begin(trials=3)``."""

    def make(recipe=None, **options):
        asked = {"trials": 3, "folds": 2, "seeds": 1, "workers": 1, "device": "cpu"} | options
        workspace, ask = start(data, recipe or space, out=tmp_path / "run", progress=Silent(), **asked)
        return open_job(workspace, ask, None, None, Silent())

    return make
