"""Is a network with the regularization that Bridle chose better on small tables than its baselines and than boosting?

Classification tables, several seeds of splits. Per table and seed a fifth of the rows is the test (by group where the
table has one); Bridle searches on the rest with a fixed number of trials, so that the result does not depend on how
busy the machine is, and the same rows train XGBoost and scikit-learn's HistGradientBoosting with their defaults.
Classes are weighted alike in every loss. The score is balanced accuracy.

    python benchmarks/tables.py --data DATA --trials 12 --splits 5 --tables credit-g vehicle

Writes one JSON file with every run, the versions and the hardware, and prints the table with 95 % intervals.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

import bridle
from bridle.choosing.space import default_space
from bridle.data.dataset import Dataset
from bridle.data.load import load_pair
from bridle.data.options import Options
from bridle.data.sealed import split_test
from bridle.engine.process import prepare
from bridle.job.surroundings import hardware, versions

TABLES = ("adult", "credit-g", "vehicle", "segment", "car", "kr-vs-kp", "blood-transfusion", "MiceProtein")


@dataclass(frozen=True)
class Row:
    """One method on one split of one table."""

    table: str
    split: int
    method: str
    balanced_accuracy: float
    seconds: float


def read(folder: Path, table: str) -> Dataset:
    """A table as its columns.json describes it; adult's two files are one table here, split anew for every seed."""
    about = json.loads((folder / "tables" / "columns.json").read_text())[table]
    drop = tuple(name for name in about["drop"] if name != about.get("group"))
    options = Options(
        target=about["target"], categorical=tuple(about["categorical"]), drop=drop, group=about.get("group")
    )
    return load_pair(folder / "tables" / about["files"][0], None, options)[0]


def boosting(data: Dataset, seed: int) -> dict[str, tuple[float, float]]:
    """Balanced accuracy and seconds of the two boosting libraries, trained on the rows that are not sealed."""
    rows, sealed = split_test(data, 0.2, seed)
    test = sealed.open("boosting")[1]
    categorical = np.array([column.is_categorical for column in data.layout.columns])
    weights = compute_sample_weight("balanced", data.targets[rows])
    models = {
        "XGBoost": XGBClassifier(
            random_state=seed,
            n_jobs=2,
            enable_categorical=True,
            feature_types=["c" if flag else "q" for flag in categorical],
        ),
        "HistGradientBoosting": HistGradientBoostingClassifier(
            random_state=seed, categorical_features=categorical if categorical.any() else None
        ),
    }
    found = {}
    for name, model in models.items():
        began = time.perf_counter()
        model.fit(data.inputs[rows], data.targets[rows], sample_weight=weights)
        score = balanced_accuracy_score(data.targets[test], model.predict(data.inputs[test]))
        found[name] = (float(score), time.perf_counter() - began)
    return found


def ours(data: Dataset, folder: Path, table: str, seed: int, trials: int) -> dict[str, tuple[float, float]]:
    """Balanced accuracy and seconds of the chosen recipe and of its baselines, mean over the refit seeds."""
    about = json.loads((folder / "tables" / "columns.json").read_text())[table]
    space = default_space(data.layout, len(data))
    space = space.replace(training=space.training.replace(class_weights="balanced"))
    with tempfile.TemporaryDirectory() as place:
        run = bridle.fit(
            folder / "tables" / about["files"][0],
            space,
            target=about["target"],
            categorical=tuple(about["categorical"]),
            drop=tuple(name for name in about["drop"] if name != about.get("group")),
            group=about.get("group"),
            metric="balanced_accuracy",
            trials=trials,
            seeds=3,
            seed=seed,
            out=Path(place) / "run",
        )
    total = run.evidence.seconds["total"]
    return {item.name: (item.metrics["balanced_accuracy"].value, total) for item in run.evidence.tested}


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and Student's 95 % interval over splits."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    reach = student.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return mean, mean - reach, mean + reach


def show(rows: list[Row]) -> None:
    """A line per table and method, and the means over tables."""
    methods = list(dict.fromkeys(row.method for row in rows))
    for table in dict.fromkeys(row.table for row in rows):
        print(table)
        for method in methods:
            values = [row.balanced_accuracy for row in rows if row.table == table and row.method == method]
            print("   {:22s} {:.4f} [{:.4f}, {:.4f}]".format(method, *interval(values)))
    print("mean over tables")
    for method in methods:
        means = [
            statistics.mean(row.balanced_accuracy for row in rows if row.table == table and row.method == method)
            for table in dict.fromkeys(row.table for row in rows)
        ]
        print(f"   {method:22s} {statistics.mean(means):.4f}")


def main() -> None:
    """Run all tables and splits, writing after each, so that an interrupted run keeps what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/tables.json"))
    given = parser.parse_args()
    prepare()
    rows: list[Row] = []
    for split in range(given.splits):
        for table in given.tables:
            data = read(given.data, table)
            found = boosting(data, split) | ours(data, given.data, table, split, given.trials)
            rows += [Row(table, split, name, score, seconds) for name, (score, seconds) in found.items()]
            print(table, split, {name: round(score, 4) for name, (score, _) in found.items()}, flush=True)
            record = {
                "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "trials": given.trials,
                "versions": versions(),
                "hardware": hardware("cpu", 1, 2),
                "runs": [asdict(row) for row in rows],
            }
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(record, indent=1))
    show(rows)


if __name__ == "__main__":
    main()
