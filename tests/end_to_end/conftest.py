"""Small data of every kind, and the real command line in this process or in one of its own."""

import gzip
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from bridle.cli.application import application

ROWS = [f"{20 + 2 * row},{'Bern' if row % 3 else 'Uri'},{'yes' if row % 2 else 'no'}" for row in range(40)]

FIXED = """
[training]
epochs = 2

[[regularizers]]
name = "l2"
strength = 1e-4
"""

SPACE = """
[training]
epochs = 3

[[regularizers]]
name = "l2"
strength = { low = 1e-6, high = 1e-1, log = true }
optional = true
"""


MIXED = """
[training]
epochs = 4
batch_size = 16
learning_rate = { low = 1e-3, high = 1e-2, log = true }

[[regularizers]]
name = "rotation"
degrees = 20
optional = true

[[regularizers]]
name = "mixup"
strength = 0.2

[[regularizers]]
name = "dropout"
rate = { choice = [0.1, 0.5] }

[[regularizers]]
name = "label_smoothing"
rate = 0.1

[[regularizers]]
name = "l1"
strength = { low = 1e-6, high = 1e-3, log = true }

[[regularizers]]
name = "ema"
decay = 0.9

[[regularizers]]
name = "early_stopping"
patience = 2
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder with the two recipes, a cache of its own, and this process's floating point as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bridle.engine.process.prepare", lambda: None)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "fixed.toml").write_text(FIXED)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


@pytest.fixture
def cli():
    """Run the command line in this process: ``cli("fit", "digits")``; a bug's traceback goes through."""

    def call(*arguments):
        result = CliRunner().invoke(application, [str(item) for item in arguments])
        if result.exit_code == 1:
            raise result.exception
        return result

    return call


@pytest.fixture
def fails(cli, folder):
    """A command that must end with status 2, one clean line of error, and no run folder; gives the line."""

    def call(*arguments):
        before = {path.name for path in folder.iterdir()}
        result = cli(*arguments)
        assert result.exit_code == 2, result.output
        last = result.stderr.splitlines()[-1]
        assert last.startswith("Error: "), result.stderr
        assert "Traceback" not in result.stderr
        assert {path.name for path in folder.iterdir()} - before <= {"cache", "__pycache__", "runs"}
        assert not list(folder.glob("runs/*"))
        return last.removeprefix("Error: ")

    return call


def write_table(path, rows=ROWS, header="age,town,bought"):
    text = "\n".join([header, *rows]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_image(path, seed, mode="RGB", size=(10, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(mode) if mode in ("RGB", "RGBA") else 1
    values = np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)
    Image.fromarray(values if channels > 1 else values[..., 0]).convert(mode).save(path)
    return path


def write_images(folder, each=12):
    for number in range(each):
        for name in ("cat", "dog"):
            write_image(folder / name / f"{number}.png", number + (name == "dog") * 1000)
    return folder


def write_idx(path, values):
    path.parent.mkdir(exist_ok=True)
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    data = header + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def make():
    """Writers of small data: ``make.table``, ``make.image``, ``make.images`` (a folder per class), ``make.idx``."""
    return SimpleNamespace(rows=ROWS, table=write_table, image=write_image, images=write_images, idx=write_idx)


@pytest.fixture
def table(folder):
    """A table of 40 people, of whom every other bought."""
    return write_table(Path("people.csv"))


@pytest.fixture
def pictures(folder):
    """Sixty noisy pictures of two kinds, and the space that mixes every kind of regularizer."""
    generator = np.random.default_rng(0)
    targets = np.arange(60) % 2
    inputs = generator.integers(0, 128, (60, 8, 8), dtype=np.uint8)
    inputs[targets == 1, 2:6, 2:6] += 100
    np.savez("pictures.npz", X=inputs, y=targets)
    (folder / "mixed.toml").write_text(MIXED)


def _same_weights(one, other):
    first, second = load_file(f"{one}/model.safetensors"), load_file(f"{other}/model.safetensors")
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def _evidence(run):
    """What was found, without what a clock says."""

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key not in ("seconds", "openings")}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    return timeless(json.loads(Path(run, "evidence.json").read_text(encoding="utf-8")))


@pytest.fixture
def same():
    """``same.weights(run, other)`` asserts that two runs hold the same model; ``same.evidence(run)`` is comparable."""
    return SimpleNamespace(weights=_same_weights, evidence=_evidence)


class Process:
    """``bridle`` in a process group of its own, as a terminal would start it."""

    def __init__(self, *arguments, log):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridle", *map(str, arguments)],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def wait_for(self, text, times=1, seconds=240):
        """Wait until the process has said something so many times; it must not end before."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ended = self.process.poll() is not None
            if self.log.read_text().count(text) >= times:
                return
            assert not ended, f"it ended before {text!r} came:\n{self.log.read_text()}"
            time.sleep(0.01)
        raise AssertionError(f"{text!r} did not come within {seconds} s:\n{self.log.read_text()}")

    def send(self, number):
        """A signal to the whole group, as Ctrl-C in a terminal sends it."""
        os.killpg(self.process.pid, number)

    def wait(self, seconds=120):
        return self.process.wait(seconds)


@pytest.fixture
def start(tmp_path):
    """Start ``bridle`` in a process of its own; whatever is left of it is killed at the end."""
    started = []

    def begin(*arguments):
        started.append(Process(*arguments, log=Path(tmp_path) / f"log-{len(started)}.txt"))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.send(signal.SIGKILL)
            one.wait()
