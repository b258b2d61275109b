"""One of two processes that train what Accelerate or Fabric made of a network; run by test_unwrapped.py.

RANK=... python wrapped_replicas.py accelerate|fabric FOLDER
"""

import os
import sys
import warnings
from pathlib import Path

import torch
from replicas import RECIPE, batches, make_net  # of the folder of this script
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam

from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.regularizers.terms import ConfidencePenalty

RANK = int(os.environ["RANK"])
WHOLE = Recipe(*RECIPE.regularizers, ConfidencePenalty(0.1))


def in_accelerate(model: nn.Module) -> None:
    """Two micro-batches a step, clipped, attached to what was prepared."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    wrapped, optimizer = accelerator.prepare(model, Adam(model.parameters(), 0.05))
    handle = attach(wrapped, optimizer, WHOLE)
    for x, y in batches():
        for part in (slice(4 * RANK, 4 * RANK + 4), slice(8 + 4 * RANK, 12 + 4 * RANK)):
            with accelerator.accumulate(wrapped):
                accelerator.backward(cross_entropy(wrapped(x[part]), y[part]) + handle.terms())
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(wrapped.parameters(), 0.5)
                optimizer.step()
                optimizer.zero_grad()
    assert accelerator.num_processes == 2
    assert handle.step == len(batches())


def in_fabric(model: nn.Module) -> None:
    """The same with a whole half of each batch at once."""
    from lightning.fabric import Fabric
    from lightning.fabric.strategies import DDPStrategy

    fabric = Fabric(accelerator="cpu", devices=2, strategy=DDPStrategy(process_group_backend="gloo"))
    fabric.launch()
    wrapped, optimizer = fabric.setup(model, Adam(model.parameters(), 0.05))
    handle = attach(wrapped, optimizer, WHOLE)
    for x, y in batches():
        optimizer.zero_grad()
        rows = slice(8 * RANK, 8 * RANK + 8)
        fabric.backward(cross_entropy(wrapped(x[rows]), y[rows]) + handle.terms())
        fabric.clip_gradients(wrapped, optimizer, max_norm=0.5)
        optimizer.step()
    assert fabric.world_size == 2


def alone(model: nn.Module) -> None:
    """One process, all rows."""
    optimizer = Adam(model.parameters(), 0.05)
    handle = attach(model, optimizer, WHOLE)
    for x, y in batches():
        optimizer.zero_grad()
        (cross_entropy(model(x), y) + handle.terms()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()


def main() -> None:
    """Train, and write the weights beside those of one process."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    model, twin = make_net(), make_net()
    {"accelerate": in_accelerate, "fabric": in_fabric}[sys.argv[1]](model)
    alone(twin)
    torch.save({"two": model.state_dict(), "one": twin.state_dict()}, Path(sys.argv[2]) / f"{RANK}.pt")


if __name__ == "__main__":
    main()
