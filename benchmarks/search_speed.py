"""How fast is a population: members trained by Bridle's crew, against loops that train one network after another.

Every method trains the same members to the end, each process with one thread, two processes:

- ``bridle``: the crew as a search uses it, the deciding included; also takes the clean scores of every epoch.
- ``fused``: a plain loop, tensors sliced in memory, ``Adam(fused=True)``, in two joblib workers; scored at the end.
- ``default``: the same with the default Adam.
- ``skorch``: ``GridSearchCV(n_jobs=2, refit=False)`` over a ``NeuralNetClassifier`` (case digits).

Warm means that workers are up; cold that they must start, and that Bridle has never seen the network. Rounds are
interleaved and ratios are those of medians within one run. Exits with 1 where a ratio is below its target.

    python benchmarks/search_speed.py --case digits --rounds 5
    python benchmarks/search_speed.py --case growth

The case gpu compares on one GPU, where everybody has one process; without one it says so and ends with 0.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.datasets import load_digits, make_classification
from torch import nn
from torch.nn import functional

from bridle.choosing.budget import Budget
from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import Grid, Halving, Strategy
from bridle.choosing.strategies import Path as WarmPath
from bridle.choosing.strategy import Evaluate, search
from bridle.core import Recipe, Training, between, choice
from bridle.data.dataset import Dataset
from bridle.data.folds import make_folds
from bridle.data.load import load_pair
from bridle.engine.packs import plan
from bridle.engine.process import prepare
from bridle.job import spool
from bridle.job.surroundings import hardware, versions
from bridle.job.trainer import Trainer
from bridle.population import Crew, Member, crew
from bridle.records import Candidate, Fold, Mark, Outcome
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2

TARGETS = {
    "digits": {"fused": 2.2, "default": 3.0, "skorch": 5.0},
    "table": {"fused": 6.0, "default": 10.0},
    "mnist": {"fused": 1 / 1.05, "default": 2.0},
    "resnet": {"fused": 1 / 1.05},
    "cnn": {"fused": 1 / 1.05},
    "halving": {"halving": 3.0, "halving of four rungs": 3.0},
    "path": {"path": 3.0},
    "compiled": {"eager": 1.5},
    "gpu": {"digits": 100.0, "table": 100.0},
}


class Digits(nn.Sequential):
    """64-128-64-10 with dropout."""

    def __init__(self, example, outputs, rate=0.2):
        sizes = (example.numel(), 128, 64)
        layers = [nn.Flatten()]
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(rate)]
        super().__init__(*layers, nn.Linear(sizes[-1], outputs))


class Table(nn.Sequential):
    """20-64-64-2."""

    def __init__(self, example, outputs):
        layers = [nn.Linear(example.numel(), 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs)]
        super().__init__(*layers)


class Mnist(nn.Sequential):
    """784-256-128-10."""

    def __init__(self, example, outputs):
        layers = [nn.Flatten(), nn.Linear(example.numel(), 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()]
        super().__init__(*layers, nn.Linear(128, outputs))


class Block(nn.Module):
    """``x + W2 dropout(relu(W1 norm(x)))``."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.up, self.down = nn.BatchNorm1d(width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


class ResNet(nn.Sequential):
    """The residual net for tables with batch normalisation, two blocks of width 128."""

    def __init__(self, example, outputs):
        layers = [nn.Linear(example.numel(), 128), Block(128), Block(128), nn.BatchNorm1d(128), nn.ReLU()]
        super().__init__(*layers, nn.Linear(128, outputs))


class Cnn(nn.Sequential):
    """Two convolutions on 8x8 pictures."""

    def __init__(self, example, outputs):
        layers = [nn.Conv2d(example.shape[0], 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, outputs))


class Plain:
    """A population for plain loops: the arrays of a data set, and a list of members."""

    def __init__(self, dataset: Dataset, model: type[nn.Module], members: list[Member], device: str = "cpu") -> None:
        self.device = device
        inputs = np.asarray(dataset.inputs, dtype=np.float32)
        self.inputs = inputs / 255 if dataset.inputs.dtype == np.uint8 else inputs
        self.targets, self.model = dataset.targets, model
        self.outputs, self.members = dataset.layout.outputs, members

    def __call__(self, number: int, fused: bool) -> float:
        """Train one member and give its accuracy."""
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        member = self.members[number]
        training = member.recipe.training
        strength = sum(item.strength for item in member.recipe.of(L2))
        inputs, targets = torch.from_numpy(self.inputs), torch.from_numpy(self.targets)
        train, score = (torch.from_numpy(member.fold.rows(mark)) for mark in (Mark.TRAIN, Mark.SCORE))
        x, y = inputs[train].to(self.device), targets[train].to(self.device)
        torch.manual_seed(member.seed)
        network = self.model(x[0], self.outputs).to(self.device)
        for place in network.modules():
            if isinstance(place, nn.Dropout):
                place.p = member.recipe.of(Dropout)[0].rate
        adam = torch.optim.Adam(
            network.parameters(), lr=training.learning_rate, weight_decay=strength, fused=fused or None
        )
        for _ in range(training.epochs):
            order = torch.randperm(len(x), device=self.device)
            for start in range(0, len(x), training.batch_size):
                batch = order[start : start + training.batch_size]
                if len(batch) > 1:
                    adam.zero_grad()
                    functional.cross_entropy(network(x[batch]), y[batch]).backward()
                    adam.step()
        network.eval()
        with torch.no_grad():
            found = network(inputs[score].to(self.device)).argmax(1).cpu()
        return float((found == targets[score]).float().mean())

    def loops(self, fused: bool) -> float:
        """All members in two workers; gives the mean accuracy."""
        numbers = range(len(self.members))
        if self.device != "cpu":
            return float(np.mean([self(number, fused) for number in numbers]))
        return float(np.mean(Parallel(n_jobs=2, batch_size=4)(delayed(self)(number, fused) for number in numbers)))


class Population:
    """The same members for Bridle."""

    def __init__(
        self,
        dataset: Dataset,
        model: type[nn.Module],
        members: list[Member],
        workers: int = 2,
        compiled: bool = False,
        device: str = "cpu",
    ) -> None:
        self._folder, self._members = tempfile.TemporaryDirectory(), members
        folder = Path(self._folder.name)
        spool.save(dataset, folder / "data")
        trainer = Trainer(folder, "accuracy", model, None, device, 1, workers, os.getpid(), compiled)
        self._crew, self._rounds = Crew(trainer, trainer.plan, workers), 0
        self.trainer = trainer

    def __call__(self) -> float:
        """Train all members; gives the mean accuracy of their last epoch."""
        self._rounds += 1
        stage = f"round{self._rounds}"
        members = [
            Member(member.candidate, member.recipe, member.fold, member.seed, stage=stage) for member in self._members
        ]
        outcomes = [outcome for _, outcome in self._crew(members)]
        assert len(outcomes) == len(members), "every member has an outcome"
        assert not any(outcome.failure for outcome in outcomes), "none failed"
        return float(np.mean([outcome.curves.series["score"][-1] for outcome in outcomes]))

    def evaluation(self, stage: str, folds: list[Fold]) -> Evaluate:
        """Trains the recipes of a search on all folds, to a rung or to their end."""

        kept: dict[tuple[int | None, int], str] = {}

        def evaluate(
            recipes: list[tuple[int, Recipe]], *, until: int = 0, keep: bool = False, warm: int | None = None
        ) -> dict[int, list[Outcome]]:
            members = [
                Member(
                    number, recipe, fold, 0, stage=stage, until=until, keep=keep, warm=kept.get((warm, fold.number), "")
                )
                for number, recipe in recipes
                for fold in folds
            ]
            kept.update({(member.candidate, member.fold.number): member.name for member in members})
            found: dict[int, list[Outcome]] = {number: [] for number, _ in recipes}
            for member, outcome in self._crew(members):
                found[member.candidate].append(outcome)
            return {number: sorted(of, key=lambda item: item.fold) for number, of in found.items()}

        return evaluate

    def warm(self) -> None:
        """Have the workers up, with the data read."""
        started, crew.START_SECONDS = crew.START_SECONDS, 0.0
        plan.START_SECONDS = 0.0
        crew.IDLE_SECONDS = 3600  # rounds of the loops between last longer than a minute
        self()
        crew.START_SECONDS = plan.START_SECONDS = started

    def close(self) -> None:
        self._crew.dismiss()
        self._folder.cleanup()


def members_of(dataset: Dataset, recipes: list[Recipe], folds: int = 5) -> list[Member]:
    parts = make_folds(dataset, np.arange(len(dataset)), folds, 0)
    return [Member(number, recipe, fold, 0) for number, recipe in enumerate(recipes) for fold in parts]


def digits() -> tuple[Dataset, type[nn.Module], list[Member]]:
    images, targets = load_digits(return_X_y=True)
    dataset = load_pair(((images / 16).astype(np.float32).reshape(-1, 1, 8, 8), targets), None)[0]
    training = Training(epochs=10, batch_size=64, learning_rate=1e-3, schedule="constant")
    rates, strengths = (0.0, 0.2), (1e-6, 1e-5, 1e-4, 1e-3)
    recipes = [Recipe(Dropout(rate), L2(strength), training=training) for rate in rates for strength in strengths]
    return dataset, Digits, members_of(dataset, recipes)


def table() -> tuple[Dataset, type[nn.Module], list[Member]]:
    dataset = load_pair(make_classification(2000, 20, n_informative=8, random_state=0), None)[0]
    rates = np.geomspace(3e-4, 1e-2, 8)
    recipes = [
        Recipe(L2(strength), training=Training(epochs=4, batch_size=32, learning_rate=float(rate), schedule="constant"))
        for rate in rates
        for strength in np.geomspace(1e-6, 1e-2, 10).tolist()
    ]
    return dataset, Table, members_of(dataset, recipes)


def resnet() -> tuple[Dataset, type[nn.Module], list[Member]]:
    dataset, _, _ = table()
    training = Training(epochs=3, batch_size=128, learning_rate=1e-3, schedule="constant")
    recipes = [Recipe(L2(strength), training=training) for strength in np.geomspace(1e-6, 1e-2, 8).tolist()]
    return dataset, ResNet, members_of(dataset, recipes)


def cnn() -> tuple[Dataset, type[nn.Module], list[Member]]:
    dataset, _, _ = digits()
    training = Training(epochs=3, batch_size=64, learning_rate=1e-3, schedule="constant")
    return dataset, Cnn, members_of(dataset, [Recipe(L2(s), training=training) for s in (1e-6, 1e-4)])


def mnist(data: Path) -> tuple[Dataset, type[nn.Module], list[Member]]:
    dataset = load_pair(str(data / "mnist"), None)[0]
    dataset = dataset.take(np.arange(6000, dtype=np.int64))
    training = Training(epochs=3, batch_size=64, learning_rate=1e-3, schedule="constant")
    recipes = [Recipe(L2(strength), training=training) for strength in np.geomspace(1e-6, 1e-2, 8).tolist()]
    return dataset, Mnist, members_of(dataset, recipes)


def skorch_search(dataset: Dataset, epochs: int) -> Callable[[], float] | None:
    """The digits case in skorch; ``None`` where it is not installed."""
    try:
        from skorch import NeuralNetClassifier
    except ImportError:
        return None
    from sklearn.model_selection import GridSearchCV

    example = torch.zeros(1, 8, 8)
    inputs = np.asarray(dataset.inputs, dtype=np.float32)

    def search() -> float:
        net = NeuralNetClassifier(
            Digits,
            module__example=example,
            module__outputs=10,
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__lr=1e-3,
            max_epochs=epochs,
            batch_size=64,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )
        grid = {"module__rate": [0.0, 0.2], "optimizer__weight_decay": [1e-6, 1e-5, 1e-4, 1e-3]}
        found = GridSearchCV(net, grid, n_jobs=2, cv=5, refit=False, scoring="accuracy")
        return float(found.fit(inputs, dataset.targets).cv_results_["mean_test_score"].mean())

    return search


def compare(case: str, rounds: int, data: Path) -> dict[str, object]:
    """Warm and cold seconds of every method, and the ratios of medians."""
    makers = {"digits": digits, "table": table, "resnet": resnet, "cnn": cnn, "mnist": lambda: mnist(data)}
    dataset, model, members = makers[case]()
    population, plain = Population(dataset, model, members), Plain(dataset, model, members)
    methods: dict[str, Callable[[], float]] = {
        "bridle": population,
        "fused": lambda: plain.loops(True),
        "default": lambda: plain.loops(False),
    }
    if case == "digits" and (search := skorch_search(dataset, members[0].recipe.training.epochs)):
        methods["skorch"] = search
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    accuracy: dict[str, float] = {}
    population.warm()
    for method in methods.values():
        method()  # workers, caches
    for _ in range(rounds):
        for name, method in methods.items():
            began = time.perf_counter()
            accuracy[name] = method()
            seconds[name].append(time.perf_counter() - began)
    population.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {name: medians[name] / medians["bridle"] for name in methods if name != "bridle"}
    return {"members": len(members), "seconds": seconds, "ratios": ratios, "accuracy": accuracy}


def cold(case: str, method: str, data: Path) -> float:
    """Seconds of one method in a fresh process, from the first import of torch on."""
    command = [sys.executable, __file__, "--case", case, "--only", method, "--data", str(data)]
    with tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "BRIDLE_CACHE": cache}, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def only(case: str, method: str, data: Path) -> None:
    makers = {"digits": digits, "table": table, "resnet": resnet, "cnn": cnn, "mnist": lambda: mnist(data)}
    makers["compiled"] = thousand
    dataset, model, members = makers[case]()
    if method in ("bridle", "eager", "compiled"):
        population = Population(dataset, model, members, compiled=method == "compiled")
        population()
        population.close()
    elif method == "skorch":
        search = skorch_search(dataset, members[0].recipe.training.epochs)
        if search:
            search()
    else:
        Plain(dataset, model, members).loops(method == "fused")


def searches(
    population: Population,
    dataset: Dataset,
    space: Recipe,
    strategies: Mapping[str, Strategy],
    *,
    trials: int,
    rounds: int,
) -> tuple[dict[str, list[float]], dict[str, list[Candidate]]]:
    """Warm searches by each strategy in turn on five folds: the seconds of every round, the candidates of the last."""
    folds = make_folds(dataset, np.arange(len(dataset)), 5, 0)
    population.warm()
    seconds: dict[str, list[float]] = {name: [] for name in strategies}
    found: dict[str, list[Candidate]] = {}
    for number, (name, strategy) in itertools.product(range(rounds), strategies.items()):
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            study = open_study(Path(folder) / "study.db", "speed", number, higher_is_better=True)
            evaluate, budget = population.evaluation(f"{name}{number}", folds), Budget(trials=trials)
            found[name] = search(space, evaluate, study=study, strategy=strategy, budget=budget, members=5)
            study.close()
        seconds[name].append(time.perf_counter() - began)
    population.close()
    return seconds, found


def halving(rounds: int) -> dict[str, object]:
    """Successive halving against training every recipe to the end: the same 27 recipes, five folds, 27 epochs."""
    dataset, model, _ = digits()
    space = Recipe(
        Dropout(choice(0.0, 0.1, 0.2, 0.3, 0.4)),
        L2(between(1e-6, 1e-2)),
        training=Training(epochs=27, batch_size=64, learning_rate=between(3e-4, 1e-2)),
    )
    population = Population(dataset, model, members_of(dataset, [space.settle(HALFWAY)]))
    rungs = {"exhaustive": 1, "halving": 3, "halving of four rungs": 4}
    strategies = {name: Halving(rungs=count) for name, count in rungs.items()}
    seconds, found = searches(population, dataset, space, strategies, trials=27, rounds=rounds)
    to_the_end = {repr(item.dials): item for item in found["exhaustive"]}
    best = max(found["exhaustive"], key=lambda item: item.score)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    chosen = {name: to_the_end[repr(survivor(found[name]).dials)] for name in rungs if name != "exhaustive"}
    return {
        "members": 27 * 5,
        "seconds": seconds,
        "ratios": {name: medians["exhaustive"] / medians[name] for name in chosen},
        "best": {"score": best.score, "error": best.error},
        "chosen, trained to the end": {
            name: {
                "score": item.score,
                "error": item.error,
                "within one standard error": bool(best.score - item.score <= best.error),
            }
            for name, item in chosen.items()
        },
    }


def warm_path(rounds: int) -> dict[str, object]:
    """The path of L1 with warm starts against training each of its 20 strengths anew, five folds, 27 epochs."""
    dataset, model, _ = digits()
    training = Training(epochs=27, batch_size=64, learning_rate=2e-3)
    space = Recipe(L1(between(1e-6, 1e-2)), training=training)
    strengths = np.geomspace(1e-6, 1e-2, 20).tolist()
    population = Population(dataset, model, members_of(dataset, [Recipe(L1(1e-4), training=training)]))
    strategies = {"exhaustive": Grid(20), "path": WarmPath("l1.strength", strengths)}
    seconds, found = searches(population, dataset, space, strategies, trials=20, rounds=rounds)
    best = max(found["exhaustive"], key=lambda item: item.score)
    chosen = max(found["path"], key=lambda item: item.score)
    same = min(
        found["exhaustive"], key=lambda item: abs(np.log(item.dials["l1.strength"] / chosen.dials["l1.strength"]))
    )
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "members": 20 * 5,
        "seconds": seconds,
        "ratios": {"path": medians["exhaustive"] / medians["path"]},
        "best": {"strength": best.dials["l1.strength"], "score": best.score, "error": best.error},
        "chosen by the path": {
            "strength": chosen.dials["l1.strength"],
            "score": chosen.score,
            "score, trained anew": same.score,
            "within one standard error": bool(best.score - same.score <= best.error),
        },
    }


def long_search(rounds: int) -> dict[str, object]:
    """A thousand members of the digits case as they are and with compiled gradients, each in a fresh process."""
    seconds: dict[str, list[float]] = {"eager": [], "compiled": []}
    for _, name in itertools.product(range(rounds), seconds):
        command = [sys.executable, __file__, "--case", "compiled", "--only", name]
        with tempfile.TemporaryDirectory() as cache:
            fresh = {"BRIDLE_CACHE": cache, "TORCHINDUCTOR_CACHE_DIR": f"{cache}/inductor"}
            began = time.perf_counter()
            subprocess.run(command, check=True, env={**os.environ, **fresh})
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {"members": 1000, "seconds": seconds, "ratios": {"eager": medians["eager"] / medians["compiled"]}}


def thousand() -> tuple[Dataset, type[nn.Module], list[Member]]:
    dataset, model, members = digits()
    training = members[0].recipe.training
    recipes = [
        Recipe(Dropout(rate), L2(strength), training=training)
        for rate in (0.0, 0.1, 0.2, 0.3, 0.4)
        for strength in np.geomspace(1e-6, 1e-2, 40).tolist()
    ]
    return dataset, model, members_of(dataset, recipes)


def survivor(candidates: list[Candidate]) -> Candidate:
    """The best of those that were trained to the end."""
    last = max(item.outcomes[0].curves.epochs for item in candidates)
    return max((item for item in candidates if item.outcomes[0].curves.epochs == last), key=lambda item: item.score)


HALFWAY = {"dropout.rate": 0.2, "l2.strength": 1e-4, "training.learning_rate": 2e-3}


def on_gpu(rounds: int, device: str = "cuda") -> dict[str, object]:
    """Digits and the table on one GPU against fused loops there, and the share of its rate of products."""
    if device == "cuda" and not torch.cuda.is_available():
        return {"skipped": "torch sees no GPU here"}
    sizes = {"digits": (64, 128, 64, 10), "table": (20, 64, 64, 2)}
    seconds: dict[str, dict[str, list[float]]] = {}
    shares = {}
    for case, maker in {"digits": digits, "table": table}.items():
        dataset, model, members = maker()
        population = Population(dataset, model, members, workers=1, device=device)
        plain = Plain(dataset, model, members[: max(1, len(members) // 10)], device)  # a tenth of them, times ten
        population()
        plain(0, True)
        own = seconds[case] = {"bridle": [], "fused": []}
        for _ in range(rounds):
            began = time.perf_counter()
            population()
            own["bridle"].append(time.perf_counter() - began)
            began = time.perf_counter()
            plain.loops(True)
            own["fused"].append((time.perf_counter() - began) * len(members) / len(plain.members))
        population.close()
        training = members[0].recipe.training
        rows = len(members[0].fold.rows(Mark.TRAIN)) * training.epochs * len(members)
        products = 2 * 3 * rows * sum(before * after for before, after in itertools.pairwise(sizes[case]))
        shares[case] = products / statistics.median(own["bridle"]) / product_rate(device)
    ratios = {name: statistics.median(own["fused"]) / statistics.median(own["bridle"]) for name, own in seconds.items()}
    return {"seconds": seconds, "ratios": ratios, "share of the rate of matrix products": shares}


def growth() -> dict[str, object]:
    """How the cost grows with the number of members: seconds and memory, each in a process of its own."""
    found = []
    for count in (10, 100, 1000, 10_000):
        out = subprocess.run(
            [sys.executable, __file__, "--case", "growth", "--members", str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(json.loads(out.stdout.splitlines()[-1]))
        print(found[-1])
    return {"growth": found}


def grow(count: int) -> dict[str, object]:
    """One epoch of ``count`` members of the table's network on one process."""
    dataset = load_pair(make_classification(1000, 20, n_informative=8, random_state=0), None)[0]
    strengths = np.geomspace(1e-6, 1e-2, max(1, count // 5)).tolist()
    training = Training(epochs=1, batch_size=32, schedule="constant")
    members = members_of(dataset, [Recipe(L2(strength), training=training) for strength in strengths])
    population = Population(dataset, Table, members, workers=1)
    began = time.perf_counter()
    population()
    seconds = time.perf_counter() - began
    population.close()
    steps = len(members) * 25
    products = 2 * 3 * 32 * (20 * 64 + 64 * 64 + 64 * 2)
    return {
        "members": len(members),
        "seconds": seconds,
        "microseconds per member and step": 1e6 * seconds / steps,
        "peak memory, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "share of the rate of matrix products": products * steps / seconds / product_rate(),
    }


def product_rate(device: str = "cpu") -> float:
    """Floating-point operations per second in large matrix products, on a processor of one thread."""
    size = 1024 if device == "cpu" else 8192
    a, b = torch.randn(size, size, device=device), torch.randn(size, size, device=device)
    float((a @ b)[0, 0])
    began = time.perf_counter()
    for _ in range(10):
        c = a @ b
    float(c[0, 0])  # waits for the device
    return 10 * 2 * size**3 / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=[*TARGETS, "growth"], required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", type=int, default=0, help="rounds of cold starts")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BRIDLE_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--only")
    parser.add_argument("--members", type=int)
    asked = parser.parse_args()
    prepare()
    torch.set_num_threads(1)
    if asked.only:
        only(asked.case, asked.only, asked.data)
        return 0
    if asked.members:
        print(json.dumps(grow(asked.members)))
        return 0
    own = {"halving": halving, "path": warm_path, "compiled": long_search, "gpu": on_gpu}
    if asked.case == "growth":
        result = growth()
    elif asked.case in own:
        result = own[asked.case](asked.rounds)
    else:
        result = compare(asked.case, asked.rounds, asked.data)
    if "skipped" in result:
        print(f"{asked.case}: skipped, {result['skipped']}")
        return 0
    if asked.cold:
        methods = list(result["seconds"])
        result["cold"] = {name: [cold(asked.case, name, asked.data) for _ in range(asked.cold)] for name in methods}
    missed = [
        f"{name} {ratio:.2f} (target {TARGETS[asked.case][name]:.2f})"
        for name, ratio in result.get("ratios", {}).items()
        if ratio < TARGETS[asked.case].get(name, 0.0)
    ]
    result |= {"case": asked.case, "time": datetime.now(UTC).isoformat(), "missed": missed}
    result |= {"versions": versions(), "hardware": hardware("cpu", 1, 2)}
    (asked.out / f"search_speed_{asked.case}.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, ratio in result.get("ratios", {}).items():
        print(
            f"{asked.case}: {ratio:.2f} times faster "
            + (f"by {name}" if asked.case in ("halving", "path") else f"than {name}")
        )
    print("below target: " + ", ".join(missed) if missed else "no target missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
