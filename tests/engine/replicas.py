"""One of two processes that train the same network with DistributedDataParallel; run by test_handle.py.

python replicas.py RANK FOLDER
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Adam

from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.regularizers.penalties import L1, L2

RECIPE = Recipe(L1(0.02, scope="first_layer"), L2(0.1, scope="last_layer"))


def make_net() -> nn.Module:
    """The same network in every process."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Ten batches of 16 rows."""
    source = torch.Generator().manual_seed(1)
    inputs = torch.randn(10, 16, 6, generator=source, dtype=torch.float64)
    return list(zip(inputs, torch.randint(0, 3, (10, 16), generator=source), strict=True))


def train(model: nn.Module, rows: slice) -> None:
    """Adam on these rows of every batch."""
    optimizer = Adam(model.parameters(), 0.05)
    attach(model, optimizer, RECIPE)
    for x, y in batches():
        optimizer.zero_grad()
        cross_entropy(model(x[rows]), y[rows]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()


def main() -> None:
    """Train on this process's half of every batch, and write the weights."""
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    model = make_net()
    train(DistributedDataParallel(model), slice(8 * rank, 8 * rank + 8))
    save_file(model.state_dict(), folder / f"{rank}.safetensors")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
