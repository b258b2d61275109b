"""Audits of steps that Accelerate or Fabric wraps, in one of several processes; run by test_exchange.py.

RANK=... WORLD_SIZE=... python wrapped_replicas.py accelerate|fabric FOLDER
"""

import json
import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import torch
from replicas import attached, l2, net, rows, sgd, told  # of the folder of this script
from torch.nn.functional import cross_entropy

RANK, PROCESSES = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


def parts(micro):
    """The micro-batches of this process; all processes' together are those of one."""
    x, y = rows(RANK if PROCESSES > 1 else None)
    return list(zip(x.chunk(micro), y.chunk(micro), strict=True))


def in_accelerate(penalty, clip):
    """Two micro-batches a step."""
    from accelerate import Accelerator

    accelerator, inner = Accelerator(cpu=True, gradient_accumulation_steps=2), net()
    model, optimizer = accelerator.prepare(inner, sgd(inner.parameters()))
    assert accelerator.num_processes == PROCESSES

    def step():
        for x, y in parts(2):
            with accelerator.accumulate(model):
                accelerator.backward(cross_entropy(model(x), y) + penalty(inner))
                if clip and accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), clip)
                optimizer.step()
                optimizer.zero_grad()

    return SimpleNamespace(model=model, inner=inner, optimizer=optimizer, step=step)


def in_fabric(penalty, clip):
    """The batch at once."""
    inner = net()
    model, optimizer = FABRIC.setup(inner, sgd(inner.parameters()))
    assert FABRIC.world_size == PROCESSES

    def step():
        optimizer.zero_grad()
        for x, y in parts(1):
            FABRIC.backward(cross_entropy(model(x), y) + penalty(inner))
        if clip:
            FABRIC.clip_gradients(model, optimizer, max_norm=clip)
        optimizer.step()

    return SimpleNamespace(model=model, inner=inner, optimizer=optimizer, step=step)


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    make = {"accelerate": in_accelerate, "fabric": in_fabric}[sys.argv[1]]
    if sys.argv[1] == "fabric":
        global FABRIC
        from lightning.fabric import Fabric
        from lightning.fabric.strategies import DDPStrategy

        several = DDPStrategy(process_group_backend="gloo")
        FABRIC = Fabric(accelerator="cpu", devices=PROCESSES, strategy=several if PROCESSES > 1 else "auto")
        FABRIC.launch()
    found = {
        "mean": told(make(l2, None)),
        "clipped": told(make(l2, 0.1)),
        "attached": told(attached(make(lambda _: 0.0, 0.2))),
    }
    Path(sys.argv[2], f"{RANK}.json").write_text(json.dumps(found, default=str))


if __name__ == "__main__":
    main()
