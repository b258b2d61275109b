"""What does the search buy: against the field's grid on UCI regressions, and against tuned boosting on tables?

``--case uci`` is the yardstick for tuned dropout and L2 (Hernández-Lobato and Adams 2015; Gal and Ghahramani 2016): one
hidden layer of 50, random splits with a tenth as test, dropout rates and a precision by grid on a validation fifth,
then a refit on all training rows. The same network is searched by Bridle, with as many recipes as the grid has cells.
The precision is stated as the strength of L2. The score is the RMSE on the test rows.

``--case tables`` gives Bridle a time budget per table and split, and XGBoost, tuned by TPE on the same folds, the same
seconds on the same cores. One search is judged by both selection rules, beside its baselines. Classes are weighted
alike everywhere. The score is balanced accuracy on a fifth of the rows (by group where the table has one).

    BRIDLE_DATA=DATA python benchmarks/search_quality.py --case uci --splits 20
    BRIDLE_DATA=DATA python benchmarks/search_quality.py --case tables --splits 10 --budget 10m

Every run goes to ``results/search_quality_<case>.json``; splits that are there are not run again.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from tables import TABLES, interval, read
from torch import nn
from xgboost import XGBClassifier

import bridle
from bridle.choosing.refit import refit_recipe
from bridle.choosing.selection import select
from bridle.choosing.space import default_space
from bridle.data.dataset import Dataset
from bridle.data.folds import make_folds
from bridle.data.sealed import split_test
from bridle.data.strata import share_of
from bridle.engine.packs.train import train_together
from bridle.engine.process import prepare
from bridle.engine.setting import Setting
from bridle.job.surroundings import hardware, versions
from bridle.metrics import catalogue as metrics
from bridle.population import Member
from bridle.records import Fold, Mark
from bridle.regularizers.catalogue import parse_recipe

UCI = ("california-housing", "elevators")
RATES, STRENGTHS = (0.005, 0.01, 0.05, 0.1), (1e-6, 1e-5, 1e-4, 1e-3)
PLAIN = bridle.Training(learning_rate=1e-3, schedule="constant", epochs=40, batch_size=128)
SEEDS = 3

Scores = dict[str, tuple[float, float]]
"""Per method its score on the test rows and the seconds that it took."""


def hidden_50(example: torch.Tensor, outputs: int) -> nn.Module:
    """One hidden layer of 50, dropout before both matrices."""
    return nn.Sequential(
        nn.Dropout(0.1), nn.Linear(len(example), 50), nn.ReLU(), nn.Dropout(0.1), nn.Linear(50, outputs)
    )


def fitted(data: Dataset, test: Dataset, recipe: bridle.Recipe, **options: Any) -> bridle.Run:
    """A run whose folder is gone: its evidence is in memory."""
    with tempfile.TemporaryDirectory() as place:
        return bridle.fit(data, recipe, test=test, out=Path(place) / "run", **options)


def scores(run: bridle.Run, metric: str) -> Scores:
    """What a run found on the test rows, by name."""
    seconds = run.evidence.seconds["total"]
    return {item.name: (item.metrics[metric].value, seconds) for item in run.evidence.tested}


def trained(
    whole: Dataset, rows: np.ndarray, score: np.ndarray, recipes: list[tuple[bridle.Recipe, int]]
) -> list[float]:
    """The RMSE on the rows to score after the last epoch, of trainings on others: each a recipe and a seed."""
    marks = np.full(len(whole), Mark.OUT, dtype=np.int8)
    marks[rows], marks[score] = Mark.TRAIN, Mark.SCORE
    fold, setting = Fold(0, marks), Setting(whole, metrics.find("rmse"), hidden_50)
    members = [Member(number, recipe, fold, seed) for number, (recipe, seed) in enumerate(recipes)]
    outcomes = {member.candidate: outcome for member, outcome in train_together(members, setting, size=len(members))}
    return [float(outcomes[member.candidate].curves.series["score"][-1]) for member in members]


def refitted(whole: Dataset, rows: np.ndarray, score: np.ndarray, recipe: bridle.Recipe, seed: int) -> float:
    """The mean RMSE of trainings with several seeds."""
    return statistics.mean(trained(whole, rows, score, [(recipe, seed + number) for number in range(SEEDS)]))


def grid(whole: Dataset, rows: np.ndarray, seed: int) -> bridle.Recipe:
    """The field's choice: the cell of the grid with the least RMSE on a validation fifth after the last epoch."""
    score = rows[share_of(whole.take(rows), np.arange(len(rows), dtype=np.int64), 0.2, seed)]
    recipes = [
        bridle.Recipe(bridle.Dropout(rate), bridle.L2(strength), training=PLAIN)
        for rate, strength in product(RATES, STRENGTHS)
    ]
    found = trained(whole, np.setdiff1d(rows, score), score, [(recipe, seed) for recipe in recipes])
    return recipes[int(np.argmin(found))]


def uci(folder: Path, table: str, seed: int, given: argparse.Namespace) -> Scores:
    """RMSE without regularization, with the field's grid, and of Bridle's choice and its baselines."""
    whole = read(folder, table)
    test_rows = np.sort(np.random.default_rng(seed).permutation(len(whole))[: len(whole) // 10])
    rows = np.setdiff1d(np.arange(len(whole)), test_rows)
    began = time.perf_counter()
    plain = refitted(whole, rows, test_rows, bridle.Recipe(training=PLAIN), seed)
    found = {"network as it is": (plain, time.perf_counter() - began)}
    began = time.perf_counter()
    chosen = grid(whole, rows, seed)
    found["grid"] = (refitted(whole, rows, test_rows, chosen, seed), time.perf_counter() - began)
    space = bridle.Recipe(
        bridle.Dropout(bridle.choice(0.0, *RATES)),
        bridle.L2(bridle.between(1e-7, 1e-2)),
        training=PLAIN.replace(learning_rate=bridle.between(3e-4, 1e-2), schedule="cosine"),
    )
    options = {"model": hidden_50, "seed": seed, "seeds": SEEDS, "budget": given.budget, "select": "best"}
    options["workers"] = given.workers
    options["trials"] = given.trials or len(RATES) * len(STRENGTHS)
    run = fitted(whole.take(rows), whole.take(test_rows), space, **options)
    return found | named(scores(run, "rmse"), "best")


def tables(folder: Path, table: str, seed: int, given: argparse.Namespace) -> Scores:
    """Balanced accuracy of both rules, of the baselines, and of XGBoost tuned for as long."""
    whole = read(folder, table)
    rows, sealed = split_test(whole, 0.2, seed)
    data, test = whole.take(rows), whole.take(sealed.open("the benchmark")[1])
    space = default_space(data.layout, len(data))
    space = space.replace(training=space.training.replace(class_weights="balanced"))
    options = {"metric": "balanced_accuracy", "seeds": SEEDS, "seed": seed, "workers": given.workers}
    run = fitted(data, test, space, trials=given.trials, budget=given.budget, select="one-se", **options)
    found = named(scores(run, "balanced_accuracy"), "one-se")
    evidence = run.evidence
    best = select(evidence.candidates, "best", higher_is_better=True)
    winner = next(item for item in evidence.candidates if item.number == best.number)
    again = fitted(data, test, refit_recipe(winner, parse_recipe(winner.recipe)), **options)
    spent = evidence.seconds["baselines"] + evidence.seconds["search"]
    found["best"] = (scores(again, "balanced_accuracy")["chosen"][0], evidence.seconds["total"])
    return found | {"XGBoost, tuned": boosting(data, test, seed, spent, given.workers)}


def named(found: Scores, rule: str) -> Scores:
    """The scores with the chosen recipe under the name of its rule."""
    return {rule if name == "chosen" else name: score for name, score in found.items()}


def boosting(data: Dataset, test: Dataset, seed: int, seconds: float, threads: int) -> tuple[float, float]:
    """XGBoost, its settings by TPE on the folds that Bridle had, for as many seconds; then trained on all rows."""
    began = time.perf_counter()
    categorical = ["c" if column.is_categorical else "q" for column in data.layout.columns]
    folds = [(fold.rows(Mark.TRAIN), fold.rows(Mark.SCORE)) for fold in make_folds(data, np.arange(len(data)), 5, seed)]

    def trained(settings: dict[str, Any], rows: np.ndarray) -> XGBClassifier:
        model = XGBClassifier(
            random_state=seed, n_jobs=threads, enable_categorical=True, feature_types=categorical, **settings
        )
        weights = compute_sample_weight("balanced", data.targets[rows])
        return model.fit(data.inputs[rows], data.targets[rows], sample_weight=weights)

    def objective(trial: optuna.Trial) -> float:
        settings = {
            "n_estimators": trial.suggest_int("n_estimators", 50, 1000, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 1e-2, 0.5, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 10),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.1, 30, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30, log=True),
            "gamma": trial.suggest_float("gamma", 1e-3, 5, log=True),
        }
        return statistics.mean(_balanced(trained(settings, train_rows), data, score) for train_rows, score in folds)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, timeout=seconds)
    score = _balanced(trained(study.best_params, np.arange(len(data))), test, np.arange(len(test)))
    return score, time.perf_counter() - began


def _balanced(model: XGBClassifier, data: Dataset, rows: np.ndarray) -> float:
    return float(balanced_accuracy_score(data.targets[rows], model.predict(data.inputs[rows])))


CASES: dict[str, tuple[Callable[..., Scores], tuple[str, ...], str]] = {
    "uci": (uci, UCI, "rmse"),
    "tables": (tables, TABLES, "balanced_accuracy"),
}


def show(runs: list[dict[str, Any]], case: str) -> None:
    """Per table each method's mean with its interval, and its ratio to the first; the mean over tables."""
    methods = list(dict.fromkeys(run["method"] for run in runs))
    names = list(dict.fromkeys(run["table"] for run in runs))
    means: dict[tuple[str, str], float] = {}
    for table in names:
        print(table)
        for method in methods:
            values = [run["score"] for run in runs if (run["table"], run["method"]) == (table, method)]
            means[table, method] = statistics.mean(values)
            ratio = means[table, method] / means[table, methods[0]]
            print("   {:18s} {:.5g} [{:.5g}, {:.5g}]  x {:.4f}".format(method, *interval(values), ratio))
    print(f"mean over tables: {CASES[case][2]}, and the mean ratio to {methods[0]!r}")
    for method in methods:
        ratios = [means[table, method] / means[table, methods[0]] for table in names]
        mean = statistics.mean(means[table, method] for table in names)
        print(f"   {method:18s} {mean:.5g}  x {statistics.mean(ratios):.4f}")


def begun(file: Path, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that are on file, which must have been asked for alike."""
    if not file.exists():
        return []
    record = json.loads(file.read_text())
    if record["asked"] != asked:
        raise SystemExit(f"{file} holds runs with {record['asked']}; asked are {asked}. Name another --out.")
    return record["runs"]


def main() -> None:
    """Run what is missing, writing after each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--data", type=Path, default=os.environ.get("BRIDLE_DATA"), help="by default BRIDLE_DATA")
    parser.add_argument("--tables", nargs="+")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--budget", help="of each search, as 10m")
    parser.add_argument("--trials", type=int, help="by default as many as the grid has cells (uci), or no limit")
    parser.add_argument("--workers", type=int, default=2, help="processes of Bridle, threads of XGBoost")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the data with --data or BRIDLE_DATA")
    run_split, names, _ = CASES[given.case]
    file = given.out or Path(__file__).parent / "results" / f"search_quality_{given.case}.json"
    asked = {"budget": given.budget, "trials": given.trials, "seeds": SEEDS, "workers": given.workers}
    runs = begun(file, asked)
    prepare()
    torch.set_num_threads(1)
    for split, table in product(range(given.splits), given.tables or names):
        if any((run["table"], run["split"]) == (table, split) for run in runs):
            continue
        found = run_split(Path(given.data), table, split, given)
        runs += [
            {"table": table, "split": split, "method": name, "score": score, "seconds": seconds}
            for name, (score, seconds) in found.items()
        ]
        print(table, split, {name: f"{score:.4g}" for name, (score, _) in found.items()}, flush=True)
        record = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "case": given.case,
            "asked": asked,
            "versions": versions(),
            "hardware": hardware("cpu", 1, given.workers),
            "runs": runs,
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".part").write_text(json.dumps(record, indent=1))
        file.with_suffix(".part").replace(file)
    show(runs, given.case)


if __name__ == "__main__":
    main()
