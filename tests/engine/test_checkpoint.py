"""Checkpoints: what is written is read back, and a file that was there stays until the new one is whole."""

import errno
import json
import math

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from bridle.engine import checkpoint
from bridle.engine.checkpoint import load_optimizer, optimizer_tensors, read, write
from bridle.errors import RunError, StorageError

TENSORS = {
    "laid": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    "number": torch.tensor(0.1, dtype=torch.float64),
    "flag": torch.tensor(True),
    "half": torch.ones(2, dtype=torch.bfloat16),
    "empty": torch.zeros(0, 3),
}
PLAIN = {"epoch": 3, "series": {"score": [0.1, 1e-300, math.nan]}, "best": None}


def test_read_gives_what_was_written(tmp_path):
    shared = torch.ones(3)
    write(tmp_path / "new" / "a.checkpoint", TENSORS | {"one": shared, "same": shared}, PLAIN)
    tensors, plain = read(tmp_path / "new" / "a.checkpoint")
    for name, value in TENSORS.items():
        assert torch.equal(tensors[name], value)
        assert tensors[name].dtype == value.dtype
    assert torch.equal(tensors["one"], tensors["same"])
    assert json.dumps(plain) == json.dumps(PLAIN)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.checkpoint"]


@pytest.mark.parametrize("step", ["save_file", "os.replace"])
def test_a_full_disk_leaves_the_old_file(step, tmp_path, monkeypatch):
    file = tmp_path / "a.checkpoint"
    write(file, TENSORS, {"epoch": 1})
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(source, target, **_):
        if step == "save_file":
            target.write_bytes(b"half of it")
        raise full

    monkeypatch.setattr(f"bridle.engine.checkpoint.{step}", fail)
    with pytest.raises(
        StorageError, match=r"a\.checkpoint could not be written: .*No space left.*Free some space"
    ) as e:
        write(file, TENSORS, {"epoch": 2})
    assert e.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert read(file)[1] == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"could not be written.*Free some space and resume"):
        write(tmp_path / "file" / "a.checkpoint", TENSORS, {})


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing", "header", "foreign"])
def test_a_damaged_file_is_a_run_error(damage, tmp_path):
    file = tmp_path / "a.checkpoint"
    write(file, TENSORS, PLAIN)
    whole = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "foreign":
        from safetensors.torch import save_file

        save_file({"a": torch.ones(1)}, file)
    else:
        file.write_bytes({"truncated": whole[:-7], "empty": b"", "header": b"\xff" + whole[1:]}[damage])
    with pytest.raises(RunError, match=r"a\.checkpoint is damaged or was not written by Bridle \("):
        read(file)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda weights: SGD(weights, 0.1, momentum=0.9, fused=True),
        lambda weights: SGD(weights, 0.1, fused=True),
        lambda weights: AdamW(weights, 0.1, fused=True),
    ],
)
def test_an_optimizer_goes_on_where_it_was(optimizer, tmp_path):
    def make():
        generator = torch.Generator().manual_seed(0)
        laid = torch.rand(2, 3, 4, 4, generator=generator).to(memory_format=torch.channels_last)
        weights = [nn.Parameter(laid), nn.Parameter(torch.rand(3, generator=generator))]
        return weights, optimizer(weights)

    def go(weights, chosen, steps):
        for _ in range(steps):
            chosen.zero_grad()
            (weights[0].sum(0).sin().sum() * weights[1].cos().sum()).backward()
            chosen.step()

    straight, undisturbed = make()
    go(straight, undisturbed, 7)
    weights, first = make()
    go(weights, first, 4)
    write(tmp_path / "o", optimizer_tensors(first), {})
    second = optimizer(weights)
    load_optimizer(second, read(tmp_path / "o")[0])
    go(weights, second, 3)
    for one, other in zip(weights, straight, strict=True):
        assert torch.equal(one, other)
    assert checkpoint.optimizer_tensors(second).keys() == optimizer_tensors(undisturbed).keys()
