"""Does a training slow down while L2 shrinks weights towards denormal numbers?

MNIST, an MLP 784-256-128-10 under Adam with L2, 20 epochs: seconds of each epoch over those of the first, in Bridle's
own process (where denormal numbers are flushed), in a loop of a user's with Bridle attached (where weights and
optimizer state below 1e-30 are set to zero), and in the same loop with the penalty in the loss and nothing done.

    python benchmarks/shrinking_weights.py --data DATA --epochs 20

Writes one JSON file with every epoch, and prints the ratios of the last three epochs' median to the first three's.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam

import bridle
from bridle.data.load import load_pair
from bridle.data.options import Options
from bridle.job.surroundings import hardware, versions

STRENGTH = 1e-4
SIDES = ("own process", "attached", "loss term")


def train(side: str, folder: Path, epochs: int) -> list[float]:
    """Seconds of each epoch."""
    if side == "own process":
        torch.set_flush_denormal(True)
    data = load_pair(folder / "mnist", None, Options())[0]
    x = torch.from_numpy(data.inputs[:]).flatten(1).float() / 255
    y = torch.from_numpy(data.targets)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = Adam(model.parameters(), 1e-3, fused=True)
    if side != "loss term":
        bridle.attach(model, optimizer, bridle.Recipe(bridle.L2(STRENGTH)))
    weights = [weight for weight in model.parameters() if weight.ndim > 1]
    seconds = []
    for _ in range(epochs):
        order = torch.randperm(len(x))
        began = time.perf_counter()
        for rows in order.split(64):
            optimizer.zero_grad()
            loss = cross_entropy(model(x[rows]), y[rows])
            if side == "loss term":
                loss = loss + STRENGTH / 2 * sum(weight.square().sum() for weight in weights)
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - began)
    return seconds


def ratio(seconds: list[float]) -> float:
    """The median of the last three epochs over that of the first three."""
    return statistics.median(seconds[-3:]) / statistics.median(seconds[:3])


def main() -> None:
    """Each side in a process of its own, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/shrinking_weights.json"))
    given = parser.parse_args()
    if given.side:
        print(json.dumps(train(given.side, given.data, given.epochs)))
        return
    record: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "hardware": hardware("cpu", torch.get_num_threads(), 1),
        "seconds_per_epoch": {},
    }
    for side in SIDES:
        command = [sys.executable, __file__, "--data", str(given.data), "--epochs", str(given.epochs), "--side", side]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        record["seconds_per_epoch"][side] = seconds = json.loads(found)
        print(f"{side:12s} {ratio(seconds):.2f}, first epochs {statistics.median(seconds[:3]):.2f} s", flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
