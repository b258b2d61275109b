"""Faults on the way: nothing is overwritten, nothing is believed that was changed, and what went wrong is said."""

import errno
import hashlib
import json
import os
import pickle
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bridle.engine import checkpoint
from bridle.errors import StorageError

BOUGHT = ("people.csv", "--target", "bought", "--recipe", "fixed.toml")


@pytest.fixture
def run(cli, table):
    """A finished run of the table."""
    result = cli("fit", *BOUGHT, "--out", "run")
    assert result.exit_code == 0, result.output
    return Path("run")


def everything(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_an_output_folder_is_never_overwritten(cli, table):
    Path("precious").mkdir()
    Path("precious/thesis.txt").write_text("all of it")
    before = everything("precious")
    result = cli("fit", *BOUGHT, "--out", "precious")
    assert result.exit_code == 2
    assert "Error: The output folder 'precious' exists and is never overwritten. Choose another --out" in result.stderr
    assert everything("precious") == before


def test_the_default_folder_is_always_a_new_one(cli, table):
    assert cli("fit", *BOUGHT).exit_code == 0
    before = everything("runs/people")
    assert cli("fit", *BOUGHT).exit_code == 0
    assert Path("runs/people-2/report.html").is_file()
    assert everything("runs/people") == before


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def with_digest(path):
    """Whoever changes the file may change the digest too."""
    described = path.with_name("model.json")
    plain = json.loads(described.read_text())
    described.write_text(json.dumps(plain | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))


class Bomb:
    """What a pickle can do to who opens it."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def as_pickle(path):
    path.write_bytes(pickle.dumps({"model/first.weight": Bomb()}))
    with_digest(path)


def as_torch_file(path):
    torch.save({"model/first.weight": Bomb()}, path)
    with_digest(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-8])
    with_digest(path)


def other_shape(path):
    tensors = {name: value.clone() for name, value in load_file(path).items()}
    name = next(name for name, value in tensors.items() if name.startswith("model/") and value.ndim == 2)
    tensors[name] = torch.zeros(1, 1)
    checkpoint.write(path, tensors, {})
    with_digest(path)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (flip, "does not match the digest in model.json: one of them was changed after training"),
        (as_pickle, "is damaged or was not written by Bridle"),
        (as_torch_file, "is damaged or was not written by Bridle"),
        (cut, "is damaged or was not written by Bridle"),
        (other_shape, "does not fit the network"),
        (Path.unlink, "lacks model.safetensors"),
    ],
)
def test_a_model_file_that_was_tampered_with(cli, run, tamper, message):
    tamper(run / "model.safetensors")
    result = cli("predict", "run", "people.csv")
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert not Path("exploded").exists()
    assert not Path("predictions.csv").exists()


@pytest.mark.parametrize("name", ["model.json", "evidence.json", "recipe.toml"])
@pytest.mark.parametrize("content", ["", "{", "[1]", '{"what": 1}'])
def test_a_record_that_was_damaged(cli, run, name, content):
    (run / name).write_text(content)
    result = cli("predict", "run", "people.csv")
    if name == "recipe.toml" and not content:
        return  # an empty recipe is a recipe, and a model is what it is without it
    assert result.exit_code == 2, result.output
    assert f"{name}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_factory_named_in_a_run_is_not_imported(cli, run):
    plain = json.loads((run / "model.json").read_text())
    (run / "model.json").write_text(json.dumps(plain | {"model": "evil_module:make"}))
    Path("evil_module.py").write_text("import os\nos.mkdir('exploded')\n")
    result = cli("predict", "run", "people.csv")
    assert result.exit_code == 2
    assert "code named in a file is never imported. Give --model evil_module:make." in result.stderr
    assert not Path("exploded").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("town,bought\nBern,yes\n", "'age'"),
        ("age,town\nold,Bern\n", "age"),
        ("age,town\ninf,Bern\n", "infinite"),
    ],
    ids=["a column is missing", "text among numbers", "an infinity"],
)
def test_data_that_does_not_fit_the_run(cli, run, text, message):
    Path("new.csv").write_text(text)
    result = cli("predict", "run", "new.csv")
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: new.csv")
    assert message in result.stderr


def test_a_loss_that_becomes_nan(cli, table):
    text = "[training]\nepochs = 3\nbatch_size = 8\n[[regularizers]]\nname = 'l2'\nstrength = 1e-4\n"
    Path("nan_loss.py").write_text(
        "from torch import nn\ncount = 0\n"
        "def loss(output, target):\n"
        "    global count\n    count += output.requires_grad\n"
        "    value = nn.functional.cross_entropy(output, target, reduction='none')\n"
        "    return value * float('nan') if count == 6 else value\n"
    )
    Path("r.toml").write_text(text)
    asked = ("people.csv", "--target", "bought", "--recipe", "r.toml", "--loss", "nan_loss:loss", "--out", "run")
    result = cli("fit", *asked)
    assert result.exit_code == 2
    assert "the data loss became nan at step 6 (epoch 2)" in result.stderr
    assert "A smaller training.learning_rate or training.clip = 1.0 usually helps" in result.stderr


def test_one_member_that_becomes_nan_is_a_finding_and_the_search_goes_on(cli, table):
    Path("r.toml").write_text(
        "[training]\nepochs = 2\noptimizer = 'sgd'\nlearning_rate = { choice = [1e-2, 1e30] }\n"
        "[[regularizers]]\nname = 'l2'\nstrength = 1e-4\n"
    )
    asked = ("people.csv", "--target", "bought", "--recipe", "r.toml", "--trials", 4, "--folds", 2, "--seeds", 1)
    result = cli("fit", *asked, "--out", "run")
    assert result.exit_code == 0, result.output
    evidence = json.loads(Path("run/evidence.json").read_text())
    failed = [item for item in evidence["candidates"] if item["failure"]]
    assert failed
    assert evidence["choice"]["number"] not in {item["number"] for item in failed}
    for item in failed:
        assert "became" in item["failure"]
        findings = [finding for outcome in item["outcomes"] for finding in outcome["findings"]]
        assert all(finding["name"] == "nan_loss" for finding in findings)
        assert all(finding["numbers"]["step"] >= 1 for finding in findings)


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # the data is still mapped into memory


def test_a_full_disk(cli, table, small_disk, same):
    """Whatever has to be written when it happens, the message names it, and with room again the run goes on."""
    assert cli("fit", *BOUGHT, "--out", "undisturbed").exit_code == 0
    blocker, run = small_disk / "blocker", small_disk / "run"
    stopped_at = []
    for free in (0, 600, 1000, 3000):
        blocker.write_bytes(bytes((16384 - free) * 1024))
        result = cli("fit", *BOUGHT, "--out", run)
        blocker.unlink()
        if result.exit_code == 0:
            break
        assert result.exit_code == 2, result.output
        line = result.stderr.splitlines()[-1]
        assert line.startswith(f"Error: {run}/"), line
        assert "No space left on device" in line, line
        stopped_at.append(Path(line.split()[1]).suffix)
        if run.exists():
            again = cli("fit", "--resume", run)
            assert again.exit_code == 0, (free, line, again.output)
            same.weights(run, "undisturbed")
            shutil.rmtree(run)
    assert len(set(stopped_at)) > 2, stopped_at


def test_a_full_disk_while_training_loses_nothing(cli, table, monkeypatch, same):
    """The checkpoint after the first epoch finds no room: the run goes on from there once there is some."""
    write, calls = checkpoint.write, []

    def full(path, tensors, plain):
        calls.append(path)
        if len(calls) == 2:
            raise StorageError(errno.ENOSPC, "members/x could not be written: No space left on device.")
        write(path, tensors, plain)

    Path("r.toml").write_text(Path("fixed.toml").read_text().replace("epochs = 2", "epochs = 4"))
    asked = ("people.csv", "--target", "bought", "--recipe", "r.toml")
    assert cli("fit", *asked, "--out", "undisturbed").exit_code == 0
    monkeypatch.setattr(checkpoint, "write", full)
    result = cli("fit", *asked, "--out", "run")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "Error: members/x could not be written: No space left on device."
    monkeypatch.setattr(checkpoint, "write", write)
    assert cli("fit", "--resume", "run").exit_code == 0
    same.weights("run", "undisturbed")
