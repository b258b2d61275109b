"""Would a compiled step pay? Forward, loss and gradient of a pack as one compiled graph, against the same run eagerly.

Twenty members of the digits case (64-128-64-10, batch 64, dropout): chain, class-first log-softmax and gradient, the
part of a step that a compiler can take (the fused optimizer kernels stay as they are). States the time of compiling,
without a cache, beside the gain, and after how many steps of the pack the one has paid for the other.

    python benchmarks/compiled_step.py --rounds 40
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp()

import torch

from bridle.engine.process import prepare
from bridle.job.surroundings import hardware, versions

MEMBERS, BATCH, SIZES, STEPS = 20, 64, (64, 128, 64, 10), 8


def losses(weights, inputs, targets, uniforms, rate):
    """The sum of the members' losses."""
    x = inputs
    for layer in range(len(SIZES) - 1):
        x = torch.baddbmm(weights[2 * layer + 1][:, None], x, weights[2 * layer])
        if layer < len(uniforms):
            x = x.relu()
            x = x * (uniforms[layer] >= rate).to(x.dtype) * (1 / (1 - rate))
    logs = x.flatten(0, 1).t().contiguous().log_softmax(0)
    return -(logs * targets.flatten(0, 1).t()).sum() / BATCH


def eager(weights, *others):
    leaves = [weight.detach().requires_grad_() for weight in weights]
    return torch.autograd.grad(losses(leaves, *others), leaves)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    asked = parser.parse_args()
    prepare()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    weights = []
    for before, after in itertools.pairwise(SIZES):
        weights += [torch.randn(MEMBERS, before, after, generator=generator) * 0.1, torch.zeros(MEMBERS, after)]
    inputs = torch.randn(STEPS, MEMBERS, BATCH, SIZES[0], generator=generator)
    classes = torch.randint(0, SIZES[-1], (STEPS, MEMBERS, BATCH), generator=generator)
    targets = torch.nn.functional.one_hot(classes, SIZES[-1]).float()
    uniforms = [torch.rand(MEMBERS, BATCH, size, generator=generator) for size in SIZES[1:-1]]
    rate = torch.full((MEMBERS, 1, 1), 0.2)
    compiled = torch.compile(lambda *given: torch.func.grad(losses)(*given), dynamic=False)
    began = time.perf_counter()
    found = compiled(weights, inputs[0], targets[0], uniforms, rate)
    compiling = time.perf_counter() - began
    for one, other in zip(found, eager(weights, inputs[0], targets[0], uniforms, rate), strict=True):
        torch.testing.assert_close(one, other)
    seconds: dict[str, list[float]] = {"eager": [], "compiled": []}
    for _ in range(asked.rounds):
        for name, method in (("eager", eager), ("compiled", compiled)):
            began = time.perf_counter()
            for step in range(STEPS):
                method(weights, inputs[step], targets[step], uniforms, rate)
            seconds[name].append((time.perf_counter() - began) / STEPS)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    gained = medians["eager"] - medians["compiled"]
    result = {
        "seconds of compiling": compiling,
        "seconds per step of the pack": seconds,
        "ratio": medians["eager"] / medians["compiled"],
        "steps until compiling is paid for": compiling / gained if gained > 0 else None,
        "time": datetime.now(UTC).isoformat(),
        "versions": versions(),
        "hardware": hardware("cpu", 1, 1),
    }
    (asked.out / "compiled_step.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"compiled: {result['ratio']:.2f} times as fast, after {compiling:.0f} s of compiling")


if __name__ == "__main__":
    main()
