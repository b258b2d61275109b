"""How many zeros of an L1 penalty are wrong after training with mini-batches, and does the closing phase settle them?

A lasso of 41 columns, 12 of which matter (scikit-learn's ``make_regression``), trained by optimizers of torch's with
Bridle attached, for 40 epochs at one learning rate, over batch sizes and momenta; a zero is wrong where scikit-learn's
Lasso has none, or the other way. Then ``handle.settle`` with full gradients. Five seeds of the batches.

    python benchmarks/exact_zeros.py

Writes one JSON file with every run, and prints means.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import make_regression
from sklearn.linear_model import Lasso
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

import bridle
from bridle.job.surroundings import hardware, versions

STRENGTH = 0.05
OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "SGD": lambda w: SGD(w, 0.05),
    "SGD, momentum 0.5": lambda w: SGD(w, 0.025, momentum=0.5),
    "SGD, momentum 0.9": lambda w: SGD(w, 0.005, momentum=0.9),
    "Adam": lambda w: Adam(w, 0.005),
}


def problem() -> tuple[Tensor, Tensor]:
    """150 standardised rows."""
    x, y = make_regression(150, 41, n_informative=12, noise=5.0, random_state=0)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    return torch.from_numpy(x), torch.from_numpy(y)


def wrong(model: nn.Module, expected: np.ndarray) -> int:
    """How many weights are zero where the solution is not, or the other way."""
    found = next(model.parameters()).detach().numpy()[0]
    return int(((found == 0) != (expected == 0)).sum())


def run(name: str, batch: int, seed: int) -> dict[str, Any]:
    """One training."""
    x, y = problem()
    expected = Lasso(STRENGTH, tol=1e-14, max_iter=100_000).fit(x.numpy(), y.numpy()).coef_
    model = nn.Linear(41, 1, bias=False).double()
    nn.init.zeros_(model.weight)
    optimizer = OPTIMIZERS[name](model.parameters())
    recipe = bridle.Recipe(bridle.L1(STRENGTH))
    handle = bridle.attach(model, optimizer, recipe)

    def loss(rows: Tensor | slice = slice(None)) -> Tensor:
        return (model(x[rows])[:, 0] - y[rows]).square().mean() / 2

    source = torch.Generator().manual_seed(seed)
    for _ in range(40):
        for rows in torch.randperm(150, generator=source).split(batch):
            optimizer.zero_grad()
            loss(rows).backward()
            optimizer.step()
    before, residual = wrong(model, expected), bridle.kkt_residual(model, recipe, loss)
    steps = handle.settle(loss, 1000)
    return {
        "optimizer": name,
        "batch": batch,
        "seed": seed,
        "wrong": before,
        "residual": residual,
        "settling_steps": steps,
        "wrong_settled": wrong(model, expected),
        "residual_settled": bridle.kkt_residual(model, recipe, loss),
    }


def main() -> None:
    """Every optimizer at every batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/exact_zeros.json"))
    given = parser.parse_args()
    runs = []
    for name in OPTIMIZERS:
        for batch in (8, 16, 32, 64, 150):
            found = [run(name, batch, seed) for seed in range(given.seeds)]
            runs += found
            mean = {key: statistics.mean(one[key] for one in found) for key in found[0] if key != "optimizer"}
            print(
                "{:18s} batch {:3d}: {wrong:4.1f} of 41 wrong, residual {residual:.1e}; settled in "
                "{settling_steps:.0f} steps: {wrong_settled:.1f}, {residual_settled:.1e}".format(name, batch, **mean),
                flush=True,
            )
    record = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "hardware": hardware("cpu", torch.get_num_threads(), 1),
        "runs": runs,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
