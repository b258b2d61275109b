"""What does an exact penalty cost in a training step of a user's own loop?

Each case is a network, a batch size and an optimizer of torch's as users write it. The same step runs with no penalty
(plain), with the penalty attached by Bridle, with the penalty as a term of the loss, and, for L2, with the optimizer's
own decay. All variants train side by side on fresh real batches, in blocks of a few steps whose order rotates;
a round's ratio is the time of its block over that of the plain one. Denormal numbers are flushed in all of them.

    python benchmarks/penalty_overhead.py --data DATA --rounds 40

Writes one JSON file with every block, the versions and the hardware, and prints medians with 95 % intervals.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, Optimizer

import bridle
from bridle.data.load import load_pair
from bridle.data.options import Options
from bridle.job.surroundings import hardware, versions

STRENGTH = 1e-5


def mlp(*widths: int) -> nn.Module:
    """Linear layers with ReLU between."""
    layers: list[nn.Module] = []
    for one, other in pairwise(widths):
        layers += [nn.Linear(one, other), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    """The basic block of a residual network."""

    def __init__(self, channels: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and channels == outputs
        projection = nn.Sequential(nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.skip = nn.Identity() if same else projection

    def forward(self, x: Tensor) -> Tensor:
        """The body added to the skip."""
        return (self.body(x) + self.skip(x)).relu()


def resnet18() -> nn.Module:
    """ResNet-18 as it is used at 32x32."""
    widths = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    channels = 64
    for outputs, stride in widths:
        layers.append(Block(channels, outputs, stride))
        channels = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def matrices(model: nn.Module) -> list[Tensor]:
    """The weights in a penalty's default scope here: all but biases and norms."""
    return [weight for weight in model.parameters() if weight.ndim > 1]


def l2(weights: list[Tensor]) -> Any:
    """As people write it."""
    return STRENGTH / 2 * sum(weight.square().sum() for weight in weights)


def l1(weights: list[Tensor]) -> Any:
    """As people write it."""
    return STRENGTH * sum(weight.abs().sum() for weight in weights)


def group(weights: list[Tensor]) -> Any:
    """As people write it, over neurons."""
    return STRENGTH * sum((w.norm(dim=1) * w.shape[1] ** 0.5).sum() for w in weights)


def both(weights: list[Tensor]) -> Any:
    """As people write it."""
    return l1(weights) + l2(weights)


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    penalty: Any
    term: Callable[[list[Tensor]], Any]
    net: Callable[[], nn.Module]
    data: str
    batch: int
    steps: int
    target: float
    optimizer: type[Optimizer] = SGD


def _large() -> nn.Module:
    return mlp(784, 1024, 1024, 2048, 10)


def _small() -> nn.Module:
    return mlp(20, 64, 64, 2)


_NET = bridle.ElasticNet(STRENGTH, STRENGTH)
CASES = (
    Case("L2", bridle.L2(STRENGTH), l2, _large, "mnist", 128, 4, 1.04),
    Case("L1", bridle.L1(STRENGTH), l1, _large, "mnist", 128, 4, 1.06),
    Case("elastic net", _NET, both, _large, "mnist", 128, 4, 1.10),
    Case("L1, Adam", bridle.L1(STRENGTH), l1, _large, "mnist", 128, 4, 1.25, Adam),
    Case("elastic net, small", _NET, both, _small, "pixels", 64, 200, 1.15),
    Case("elastic net, ResNet-18", _NET, both, resnet18, "cifar10", 64, 1, 1.02),
    Case("group lasso", bridle.GroupLasso(STRENGTH), group, _large, "mnist", 128, 4, 1.20),
)


@dataclass
class Variant:
    """A model in training."""

    model: nn.Module
    optimizer: Optimizer
    term: Callable[[list[Tensor]], Any] | None = None

    def block(self, batches: list[tuple[Tensor, Tensor]]) -> float:
        """Train on the batches; the seconds it took."""
        weights = matrices(self.model)
        began = time.perf_counter()
        for x, y in batches:
            self.optimizer.zero_grad()
            loss = cross_entropy(self.model(x), y)
            if self.term is not None:
                loss = loss + self.term(weights)
            loss.backward()
            self.optimizer.step()
        _wait(batches[0][0])
        return time.perf_counter() - began


def _wait(x: Tensor) -> None:
    if x.is_cuda:
        torch.cuda.synchronize()


def variants(case: Case, device: str) -> dict[str, Variant]:
    """The same network under each way to penalise it."""

    def make(term: Callable[[list[Tensor]], Any] | None = None, **settings: Any) -> Variant:
        torch.manual_seed(0)
        model = case.net().to(device)
        given = {"lr": 0.01, "momentum": 0.9} if case.optimizer is SGD else {"lr": 1e-4}
        return Variant(model, case.optimizer(model.parameters(), **given | settings), term)

    found = {"plain": make(), "bridle": make(), "loss term": make(case.term)}
    bridle.attach(found["bridle"].model, found["bridle"].optimizer, bridle.Recipe(case.penalty))
    if case.name == "L2":
        found["weight_decay"] = make(weight_decay=STRENGTH)
    return found


def stream(data: str, folder: Path, batch: int, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Fresh batches of real images, without end."""
    dataset = load_pair(folder / ("cifar10" if data == "cifar10" else "mnist"), None, Options())[0]
    source = np.random.default_rng(0)
    while True:
        rows = source.integers(0, len(dataset), batch)
        x = torch.from_numpy(dataset.inputs[rows]).float() / 255
        y = torch.from_numpy(dataset.targets[rows])
        if data == "mnist":
            x = x.flatten(1)
        elif data == "pixels":
            x, y = x.flatten(1)[:, 300:700:20].contiguous(), y % 2
        yield x.to(device), y.to(device)


def measure(case: Case, folder: Path, rounds: int, device: str) -> dict[str, Any]:
    """All blocks of one case, and the ratios of each round."""
    batches, sides = stream(case.data, folder, case.batch, device), variants(case, device)
    names = list(sides)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 2):
        for place in range(len(names)):
            name = names[(number + place) % len(names)]
            taken = sides[name].block([next(batches) for _ in range(case.steps)])
            if number >= 2:
                seconds[name].append(taken / case.steps)
    zeros = {name: _zeros(side.model) for name, side in sides.items()}
    ratios = {name: [a / b for a, b in zip(seconds[name], seconds["plain"], strict=True)] for name in names[1:]}
    return {
        "case": case.name,
        "optimizer": case.optimizer.__name__,
        "target": case.target,
        "seconds_per_step": seconds,
        "ratios": {name: _summary(values) for name, values in ratios.items()},
        "zeros": zeros,
    }


def _zeros(model: nn.Module) -> float:
    weights = matrices(model)
    return sum(int((w == 0).sum()) for w in weights) / sum(w.numel() for w in weights)


def _summary(values: list[float]) -> dict[str, float]:
    source = np.random.default_rng(0)
    medians = np.median(source.choice(values, (4000, len(values))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return {"median": statistics.median(values), "low": float(low), "high": float(high)}


def bandwidth(device: str) -> float:
    """Bytes read and written per second by a copy of 64 MiB, the best of ten."""
    one, other = torch.zeros(2**24, device=device), torch.empty(2**24, device=device)
    best = float("inf")
    for _ in range(10):
        began = time.perf_counter()
        other.copy_(one)
        _wait(one)
        best = min(best, time.perf_counter() - began)
    return 2 * one.numel() * one.element_size() / best


def main() -> None:
    """Measure every case, writing after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", default=[case.name for case in CASES])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/penalty_overhead.json"))
    given = parser.parse_args()
    torch.set_flush_denormal(True)
    record: dict[str, Any] = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "hardware": hardware(given.device, torch.get_num_threads(), 1),
        "bytes_per_second_of_a_copy": bandwidth(given.device),
        "cases": [],
    }
    for case in CASES:
        if case.name in given.cases:
            found = measure(case, given.data, given.rounds, given.device)
            record["cases"].append(found)
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(record, indent=1))
            print(f"{case.name} ({case.optimizer.__name__}), at most {case.target}")
            for name, ratio in found["ratios"].items():
                print("   {:14s} {median:.3f} [{low:.3f}, {high:.3f}]".format(name, **ratio), flush=True)


if __name__ == "__main__":
    main()
