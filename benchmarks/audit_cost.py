"""What does an audit cost, in training steps and in memory?

A ResNet-18 for 32x32 pictures on random ones, under SGD with momentum and weight_decay, and under AdamW. Each
measurement has a process of its own, so that its peak memory is its own: one only trains, one trains and audits.

    python benchmarks/audit_cost.py --batch 64 --steps 10

Writes one JSON file with every number, the versions and the hardware, and prints the ratios: the audit's time over the
median step's, and the peak of the process that audits over that of the one that does not.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from penalty_overhead import resnet18
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW

from bridle.auditing.audit import audit
from bridle.job.surroundings import hardware, versions

OPTIMIZERS = {
    "sgd": lambda weights: SGD(weights, 0.05, momentum=0.9, weight_decay=5e-4),
    "adamw": lambda weights: AdamW(weights, 1e-3, weight_decay=0.05),
}


def measured(optimizer: str, batch: int, steps: int, audited: bool) -> dict[str, Any]:
    """Train some steps and audit the next, in this process."""
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    model = resnet18()
    trained = OPTIMIZERS[optimizer](model.parameters())
    inputs, targets = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))

    def step() -> None:
        trained.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        trained.step()

    times = []
    for _ in range(steps):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    found: dict[str, Any] = {"steps": times}
    if audited:
        begun = time.perf_counter()
        result = audit(model, trained, step)
        found |= {"audit": time.perf_counter() - begun, "runs": result.ledger.steps}
        found["findings"] = [finding.name for finding in result.findings]
    return found | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main() -> None:
    """Measure each optimizer in two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "audit_cost.json")
    parser.add_argument("--alone", choices=[f"{name},{way}" for name in OPTIMIZERS for way in ("train", "audit")])
    asked = parser.parse_args()
    if asked.alone:
        optimizer, way = asked.alone.split(",")
        print(json.dumps(measured(optimizer, asked.batch, asked.steps, way == "audit")))
        return
    results = {}
    for name in OPTIMIZERS:
        found = {}
        for way in ("train", "audit"):
            command = [sys.executable, __file__, "--batch", str(asked.batch), "--steps", str(asked.steps)]
            done = subprocess.run([*command, "--alone", f"{name},{way}"], capture_output=True, text=True, check=True)
            found[way] = json.loads(done.stdout.splitlines()[-1])
        ratios = {
            "steps": found["audit"]["audit"] / statistics.median(found["audit"]["steps"]),
            "memory": found["audit"]["peak"] / found["train"]["peak"],
        }
        results[name] = found | {"ratios": ratios}
        print(f"{name}: the audit takes {ratios['steps']:.1f} steps' time and {ratios['memory']:.2f} times the memory")
    about = {"when": datetime.now(UTC).isoformat(), "batch": asked.batch}
    about |= {"versions": versions(), "hardware": hardware("cpu", torch.get_num_threads(), 1)}
    asked.out.write_text(json.dumps(about | {"results": results}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
