"""Does the path of the hierarchical lasso choose features as well as LassoNet's, and how much faster?

LassoNet's own protocol (Lemhadri et al. 2021): rows at random 70/10/20, the path on the first two parts (the tenth for
early stopping), 50 features, a dense network retrained on them, accuracy on the last part; several seeds. The package
``lassonet`` runs the same protocol on the same standardised numbers with its defaults, in its own environment, one
after the other with Bridle: with one thread, as ``bridle.feature_path`` has it, against all cores. MiceProtein has 15
rows of each mouse, so random rows leak: the figure with rows split by mouse stands beside it.

    python benchmarks/feature_path.py --data DATA --reference LASSONET_VENV/bin/python

Without ``--reference`` Bridle runs alone. Writes one JSON file with every run, the versions, the hardware and seeds.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from bridle.data.dataset import Dataset
from bridle.data.load import load
from bridle.data.options import Options
from bridle.data.strata import share_of
from bridle.engine.feature_path import PathPlan, PathTraining
from bridle.engine.process import prepare, threads
from bridle.job.surroundings import hardware, versions
from bridle.metrics import catalogue as metrics
from bridle.records import Fold, Layout, Mark

KEPT, HIDDEN = 50, 100
UNTIED = 1e9
"""A hierarchy so large that the constraint binds nowhere: plain training of the dense network."""

CASES = ("MiceProtein", "MiceProtein by mouse", "Isolet")
TARGETS = {"MiceProtein": 0.97, "Isolet": 0.885}

REFERENCE = """
import json, sys, time
import numpy as np, torch
from lassonet import LassoNetClassifier
given = np.load(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
seed, kept = int(sys.argv[3]), int(sys.argv[4])
parts = {name: (given["x_" + name], given["y_" + name]) for name in ("train", "watch", "test")}
def network(**more):
    return LassoNetClassifier(hidden_dims=(100,), verbose=0, torch_seed=seed, random_state=seed, **more)
def run(model, columns, **more):
    train, watch = parts["train"], parts["watch"]
    return model.path(train[0][:, columns], train[1], X_val=watch[0][:, columns], y_val=watch[1], **more)
every = np.ones(parts["train"][0].shape[1], bool)
began = time.perf_counter()
steps = run(network(), every)
seconds = time.perf_counter() - began
columns = [step.selected.numpy() for step in steps if int(step.selected.sum()) >= kept][-1]
dense = network(lambda_seq=[])
run(dense, columns)
print(json.dumps({
    "seconds": seconds, "kept": int(columns.sum()), "strengths": len(steps) - 1,
    "epochs": sum(step.n_iters for step in steps),
    "accuracy": float(dense.score(parts["test"][0][:, columns], parts["test"][1])),
    "versions": {"torch": torch.__version__, "numpy": np.__version__},
}))
"""


@dataclass(frozen=True)
class Row:
    """One program on one split."""

    case: str
    seed: int
    program: str
    accuracy: float
    seconds: float
    kept: int
    strengths: int
    epochs: int


def read(folder: Path, case: str) -> Dataset:
    """The data as (X, y): missing numbers of MiceProtein are filled in by their median over all rows."""
    if case == "Isolet":
        found = loadmat(folder / "features" / "Isolet.mat")
        return load((found["X"].astype(np.float32), found["Y"].ravel().astype(str)))
    about = json.loads((folder / "tables" / "columns.json").read_text())["MiceProtein"]
    drop = tuple(name for name in about["drop"] if name != about["group"])
    group = about["group"] if case.endswith("by mouse") else None
    drop = drop if group else (*drop, about["group"])
    table = load(folder / "tables" / about["files"][0], Options(target=about["target"], drop=drop, group=group))
    filled = np.where(np.isnan(table.inputs), np.nanmedian(table.inputs, axis=0), table.inputs)
    names = np.array(table.layout.classes)[table.targets]
    plain = load((filled.astype(np.float32), names))
    return Dataset(plain.inputs, plain.targets, plain.layout, groups=table.groups, name=case)


def split(data: Dataset, seed: int) -> Fold:
    """Rows 70/10/20 for training, watching and scoring: at random, or by whole groups."""
    marks = np.full(len(data), Mark.TRAIN, dtype=np.int8)
    if data.groups is None:
        order = np.random.default_rng(seed).permutation(len(data))
        cuts = [round(0.7 * len(data)), round(0.8 * len(data))]
        marks[order[cuts[0] : cuts[1]]], marks[order[cuts[1] :]] = Mark.WATCH, Mark.SCORE
        return Fold(0, marks)
    rows = np.arange(len(data), dtype=np.int64)
    marks[share_of(data, rows, 0.2, seed)] = Mark.SCORE
    marks[share_of(data, np.flatnonzero(marks == Mark.TRAIN), 1 / 8, seed + 1000)] = Mark.WATCH
    return Fold(0, marks)


def standard(data: Dataset, fold: Fold) -> Dataset:
    """The numbers standardised by the training rows, as both programs get them."""
    own = data.inputs[fold.rows(Mark.TRAIN)]
    scaled = (data.inputs - own.mean(0)) / np.maximum(own.std(0), 1e-8)
    return Dataset(scaled.astype(np.float32), data.targets, data.layout, groups=data.groups, name=data.name)


def _layout(data: Dataset, columns: tuple[int, ...]) -> Layout:
    """The layout of some columns."""
    return replace(data.layout, shape=(len(columns),), columns=tuple(data.layout.columns[at] for at in columns))


def ours(case: str, data: Dataset, fold: Fold, seed: int, plan: PathPlan) -> Row:
    """Bridle's path, and a plain dense network retrained on what it keeps."""
    metric = metrics.find("accuracy")
    began = time.perf_counter()
    training = PathTraining(data, fold, plan, metric, seed)
    steps = list(training.steps())
    seconds = time.perf_counter() - began
    columns = [step.features for step in steps if len(step.features) >= KEPT][-1]
    narrow = Dataset(data.inputs[:, columns], data.targets, _layout(data, columns), name=case)
    dense = PathTraining(narrow, fold, PathPlan(width=HIDDEN, hierarchy=UNTIED), metric, seed).dense()
    strengths = len(steps) - 1
    return Row(case, seed, "bridle", dense.score, seconds, len(columns), strengths, training.epochs)


def reference(python: Path, case: str, data: Dataset, fold: Fold, seed: int, count: int) -> tuple[Row, dict]:
    """The same with the package lassonet, its default path and its own dense retraining."""
    parts = {"train": Mark.TRAIN, "watch": Mark.WATCH, "test": Mark.SCORE}
    arrays = {f"x_{name}": data.inputs[fold.rows(mark)] for name, mark in parts.items()}
    arrays |= {f"y_{name}": data.targets[fold.rows(mark)] for name, mark in parts.items()}
    with tempfile.TemporaryDirectory() as place:
        np.savez(Path(place) / "data.npz", **arrays)
        command = [python, "-c", REFERENCE, Path(place) / "data.npz", count, seed, KEPT]
        environment = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "OMP_NUM_THREADS")
        }
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, check=True, env=environment
        )
    found = json.loads(done.stdout.splitlines()[-1])
    about = found.pop("versions")
    return Row(case, seed, "lassonet", **found), about


def show(rows: list[Row]) -> None:
    """Accuracy and seconds of each case, and the ratio of the times seed by seed."""
    for case in dict.fromkeys(row.case for row in rows):
        for program in dict.fromkeys(row.program for row in rows):
            own = [row for row in rows if (row.case, row.program) == (case, program)]
            if own:
                scores, times = [row.accuracy for row in own], [row.seconds for row in own]
                spread = statistics.stdev(scores) if len(scores) > 1 else float("nan")
                print(f"{case:22s} {program:9s} accuracy {statistics.mean(scores):.4f} ± {spread:.4f}, "
                      f"path {statistics.mean(times):.1f} s")  # fmt: skip
        by_seed = {(row.seed, row.program): row.seconds for row in rows if row.case == case}
        ratios = [
            by_seed[seed, "lassonet"] / seconds
            for (seed, program), seconds in by_seed.items()
            if program == "bridle" and (seed, "lassonet") in by_seed
        ]
        if ratios:
            print(f"{case:22s} Bridle is {statistics.median(ratios):.1f} times faster (median of {len(ratios)} runs)")
        print(f"{case:22s} wanted: {TARGETS.get(case, 'no target')}")


def main() -> None:
    """Run all cases and seeds, writing after each, so that an interrupted run keeps what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reference", type=Path, help="the Python of an environment with lassonet")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="threads of Bridle")
    parser.add_argument("--reference-threads", type=int, default=2, help="threads of lassonet")
    parser.add_argument("--epochs", type=int, default=PathPlan.epochs)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/feature_path.json"))
    given = parser.parse_args()
    prepare()
    plan, rows, theirs = PathPlan(width=HIDDEN, epochs=given.epochs), [], {}
    for seed in range(given.seeds):
        for case in given.cases:
            data = read(given.data, case)
            fold = split(data, seed)
            data = standard(data, fold)
            with threads(given.threads):
                rows.append(ours(case, data, fold, seed, plan))
            print(rows[-1], flush=True)
            if given.reference:
                row, theirs = reference(given.reference, case, data, fold, seed, given.reference_threads)
                rows.append(row)
                print(rows[-1], flush=True)
            record = {
                "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "protocol": "rows 70/10/20, 50 features, dense network of 100 hidden units retrained on them",
                "plan": asdict(plan),
                "seeds": list(range(given.seeds)),
                "versions": versions() | {f"lassonet environment: {name}": value for name, value in theirs.items()},
                "hardware": hardware("cpu", given.threads, 1) | {"reference threads": given.reference_threads},
                "runs": [asdict(row) for row in rows],
            }
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(record, indent=1))
    show(rows)


if __name__ == "__main__":
    main()
