"""Realistic evidence: what jobs of several kinds leave behind."""

import dataclasses
import json
import math
import re
import struct
import zlib

import numpy as np
import plotly.graph_objects
import pytest

from bridle.records import (
    Attribution,
    Candidate,
    Choice,
    Comparison,
    Confusion,
    CurvePoint,
    Curves,
    DataSummary,
    Effect,
    Entry,
    Estimate,
    Evidence,
    Finding,
    Histogram,
    Laplace,
    LaplaceLayer,
    LaplaceStep,
    LearningCurve,
    Ledger,
    Nested,
    Optimism,
    Outcome,
    OuterFold,
    Part,
    PowerLaw,
    Residuals,
    RunAudit,
    Sample,
    Severity,
    Stability,
    SubRecipe,
    Task,
    Tested,
    Worth,
)

RECIPE = """\
[training]
optimizer = "adamw"
learning_rate = 0.00213
epochs = 34
batch_size = 64

[[regularizers]]
name = "l2"
strength = 3e-4  # on matrices

[[regularizers]]
name = "dropout"
rate = 0.2

[[regularizers]]
name = "rotation"
degrees = 10.0

[[regularizers]]
name = "ema"
"""
REASON = "fewest active regularizers, then the smallest gap, among 6 within one standard error of the best"
GAPS = {"none": 0.09, "adamw": 0.06, "early stopping": 0.05}
SCORES = {"none": 0.121, "adamw": 0.104, "early stopping": 0.098}
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "<b>bold</b> & <a href='javascript:document.title=1'>link</a>",
    "{{ 7 * 7 }} {% raw %}",
    "<chosen>",
    "[bold red]markup[/]",
    "naïve 猫 \u202e\x00\x1b[31m" + "long " * 40,
)


def curves(level: float, gap: float, epochs: int, random: np.random.Generator, sign: float = 1.0) -> Curves:
    """Curves that fall to ``level`` while a gap opens."""
    at = np.arange(1, epochs + 1)
    fall = 2.2 * np.exp(-at / 4)
    noise = random.normal(0, 0.004, (2, epochs))
    score = level + fall + 0.5 * gap * (at / epochs) ** 2 + noise[0]
    clean = score - gap * np.minimum(1, at / epochs * 1.3) + noise[1] * 0.3
    series = {
        "data_loss": (clean + 0.1 + 0.2 * fall).tolist(),
        "penalty": (0.05 * (1 - np.exp(-at / 10))).tolist(),
        "clean": (sign * clean).tolist(),
        "score": (sign * score).tolist(),
        "learning_rate": (2e-3 * (1 + np.cos(np.pi * at / epochs)) / 2).tolist(),
    }
    return Curves(series)


def candidate(number, name, score, gap, dials, random, *, epochs=40, folds=5, active=(), sign=1.0):
    outcomes = tuple(
        Outcome(number, fold, 0, curves(score, gap, epochs, random, sign), seconds=1.4) for fold in range(folds)
    )
    error = abs(float(random.normal(0.006, 0.002)))
    return Candidate(number, name, RECIPE, dials, active, epochs - 6, sign * score, error, gap, outcomes)


def failed(number):
    outcome = Outcome(number, 0, 0, Curves({"data_loss": [math.nan]}), failure="the loss became NaN at step 12")
    return Candidate(
        number, f"trial {number}", RECIPE, {"l2.strength": 1e-2}, ("l2",), 1, math.nan, math.nan, math.nan,
        (outcome,), "the loss became NaN at step 12",
    )  # fmt: skip


def candidates(count, random, sign=1.0):
    found = []
    for number in range(count):
        strength = float(10 ** random.uniform(-6, -2))
        rate = float(random.choice([0.0, 0.2, 0.5]))
        score = 0.08 + 0.01 * abs(math.log10(strength) + 3.5) + 0.04 * abs(rate - 0.2) + random.exponential(0.006)
        dials = {
            "training.learning_rate": float(10 ** random.uniform(-4, -2)),
            "l2.strength": strength,
            "dropout.rate": rate,
            "rotation.degrees": float(random.uniform(0, 20)),
            "ema.on": bool(random.random() < 0.5),
            "training.optimizer": str(random.choice(["adamw", "sgd"])),
        }
        active = ("l2", "dropout", "ema") if dials["ema.on"] else ("l2", "dropout")
        found.append(candidate(number, f"trial {number}", score, 0.02 + 0.1 * abs(rate - 0.5), dials, random,
                               active=active, sign=sign))  # fmt: skip
    return found


def estimate(value, half, random, seeds=5):
    return Estimate(value, value - half, value + half, tuple((value + random.normal(0, half / 3, seeds)).tolist()))


def tested_on(name, level, random, *outcomes):
    metrics = {
        "log_loss": estimate(level, 0.02, random),
        "accuracy": estimate(1 - level / 3, 0.008, random),
        "balanced_accuracy": estimate(1 - level / 2.9, 0.008, random),
        "precision": estimate(0.97, 0.01, random),
        "recall": estimate(0.968, 0.01, random),
        "f1": estimate(0.969, 0.01, random),
        "roc_auc": estimate(0.9991, 0.0004, random),
        "calibration_error": estimate(0.012, 0.004, random),
    }
    return Tested(name, RECIPE, metrics, outcomes)


def png(shade):
    """A grey 8x8 picture as PNG bytes, written by hand."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes((shade * (row + column)) % 256 for column in range(8)) for row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def confusion(classes, random, rows=360):
    size = len(classes)
    counts = random.poisson(0.25, (size, size)).astype(float) + np.eye(size) * rows / size
    return Confusion(tuple(classes), tuple(tuple(row) for row in counts.tolist()))


def histogram(name, random, zeros):
    edges = np.linspace(-0.4, 0.4, 61)
    before = np.histogram(random.uniform(-0.25, 0.25, 8000), edges)[0]
    kept = random.laplace(0, 0.06, int(8000 * (1 - zeros)))
    after = np.histogram(np.concatenate([kept, np.zeros(8000 - kept.size)]), edges)[0]
    return Histogram(name, tuple(edges.tolist()), tuple(before.tolist()), tuple(after.tolist()), zeros)


def attribution():
    """Dropout and rotation are needed, L2 is not, and without EMA the training fails."""

    def worth(name, needed, value, beside):
        around = Estimate(value, value - 0.003, value + 0.003, (value - 0.001, value + 0.001))
        return Worth(name, needed, around, beside, around, around, around)

    worths = (
        worth("l2", False, 0.001, ("dropout", "rotation", "ema")),
        worth("dropout", True, 0.008, ("rotation", "ema")),
        worth("rotation", True, 0.02, ("dropout", "ema")),
        dataclasses.replace(worth("ema", True, 0.0, ("dropout", "rotation")), worth=Estimate(math.nan)),
    )
    parts = (SubRecipe(("l2", "dropout"), 7, (0.1, 0.2)), SubRecipe((), 0, (), "the data loss became NaN"))
    pruned = Estimate(-0.001, -0.004, 0.002)
    kept = ("dropout", "rotation", "ema")
    return Attribution(worths, Estimate(0.03, 0.02, 0.04), kept, pruned, True, parts, 15, 3, True)


def learning_curve():
    """A power law on five sizes, with intervals."""

    def point(rows, epoch=0):
        value = 0.05 + 2 * rows**-0.6
        return CurvePoint(rows, Estimate(value, value - 0.01, value + 0.02, () if epoch == 0 else (value,) * 10), epoch)

    measured = tuple(point(rows, 12) for rows in (144.0, 287.0, 575.0, 862.0, 1150.0))
    fitted = tuple(point(rows) for rows in np.geomspace(144, 2874, 24).tolist())
    gain = Estimate(0.0087, 0.002, 0.0151)
    return LearningCurve(measured, PowerLaw(0.05, 2.0, 0.6), fitted, 1437, fitted[-1].score, gain, 10)


def stability(features=("hue", "proline", "ash", "magnesium")):
    """Two of four features are stable."""
    return Stability(tuple(features), (0.97, 1.0, 0.31, 0.02), 50, 0.9, tuple(features[:2]), 1.2, 0.45)


def nested():
    """Three outer folds; two chose dropout beside L2."""
    folds = tuple(
        OuterFold(fold, score, (score - 0.002, score + 0.002), score - 0.004, active, {"l2.strength": 3e-4}, RECIPE)
        for fold, score, active in ((0, 0.081, ("l2", "dropout")), (1, 0.09, ("l2",)), (2, 0.087, ("l2", "dropout")))
    )
    against = (Comparison("none", "log_loss", Estimate(0.035, 0.012, 0.058)),
               Comparison("adamw", "log_loss", Estimate(0.01, -0.004, 0.024)))  # fmt: skip
    return Nested(Estimate(0.086, 0.071, 0.101, (0.081, 0.09, 0.087)), folds, against)


def laplace(names=("stages.0.weight", "head.weight"), noise=None):
    """Strengths by the marginal likelihood: of three trainings the second is kept."""
    layers = tuple(LaplaceLayer(name, 640, 2.5e-3 * (place + 1), 3.6, 72.4) for place, name in enumerate(names))
    strengths = {layer.name: layer.strength for layer in layers}
    ends = ((-120.0, -101.0), (-90.0, -82.1), (-91.0, -84.3))
    steps = tuple(
        LaplaceStep(training, epoch, value, strengths)
        for training, values in enumerate(ends, start=1)
        for epoch, value in zip((8, 16), values, strict=True)
    )
    return Laplace(RECIPE, -82.1, layers, ("stages.1.weight",), noise, steps, 8.2, (), 0.0912, 0.0061)


def entry(name, kind="matrices", shape=(16, 4), movement=0.02, size=2.0, used=True, **shares):
    """A parameter whose movement has the given shares."""
    parts = {part: Part(abs(share) * movement, share, 0.0) for part, share in shares.items()}
    return Entry(name, kind, shape, True, True, used, size, movement, 0.0, 1e-3, 0.5, 0.1, parts)


def run_audit(names=("stages.0.weight", "head.weight")):
    """L2 on two matrices, as declared on the first and twice as strong on the second; a decay on all parameters."""
    first, last = names[:2]
    entries = (
        entry(first, data=0.9, penalty=0.06, interaction=0.04),
        entry(last, movement=0.04, used=False, data=0.8, penalty=-0.0004, interaction=0.2004),
        entry("head.bias", "biases", (4,), 0.0, 0.0),
    )
    effects = (
        Effect("l2.strength", first, "gradient", 3e-4, 3.0001e-4, 1.0),
        Effect("l2.strength", last, "gradient", 3e-4, 6e-4, 1.0),
        *(Effect("training.weight_decay", name, "decay", 0.02, 0.02, 1.0) for name in (first, last)),
        Effect("training.weight_decay", "head.bias", "decay", 0.02, math.nan),
    )
    checks = ("collapsed_weights", "nan_loss", "shared_rows")
    return RunAudit(Ledger(entries, "AdamW"), effects, checks, 340, 680, 1.2e-3, ("dropout is part of data.",))


def search_evidence(classes=tuple("0123456789"), count=60):
    """A search over 60 candidates with three baselines, on pictures of digits."""
    random = np.random.default_rng(7)
    found = candidates(count, random)
    order = sorted(range(count), key=lambda number: found[number].score)
    chosen = order[1]
    baselines = tuple(
        candidate(-index, name, SCORES[name], GAPS[name], {"training.learning_rate": 1e-3}, random)
        for index, name in enumerate(GAPS, start=1)
    )
    comparisons = {
        "none": (0.04, 0.018),
        "adamw": (0.023, 0.016),
        "early stopping": (0.012, 0.017),
        "floor": (0.06, 0.03),
    }
    sizes = random.integers(120, 160, len(classes))
    return Evidence(
        command={"data": "digits", "folds": 5, "trials": count, "budget": None, "seed": 0, "select": "one-se"},
        data=DataSummary(
            "digits", "9f2c" * 16, "image", (1, 8, 8), "digit", tuple(classes), {"train": 1437, "test": 360},
            dict(zip(classes, sizes.tolist(), strict=True)),
            ("The target has 10 values: taken as classes.", "2 pictures could not be read and were left out."),
        ),
        task=Task.CLASSIFICATION,
        metric="log_loss",
        higher_is_better=False,
        recipe=RECIPE,
        candidates=(*found, failed(count), failed(count + 1)),
        baselines=baselines,
        choice=Choice(chosen, order[0], "one-se", tuple(order[:6]),
                      REASON),
        tested=(tested_on("chosen", 0.081, random), *(tested_on(name, SCORES[name], random) for name in SCORES),
                tested_on("floor", 0.141, random)),
        comparisons=tuple(
            Comparison(other, metric, estimate(value * scale, half * scale, random))
            for metric, scale in (("log_loss", 1.0), ("accuracy", 0.3))
            for other, (value, half) in comparisons.items()
        ),
        fold_comparisons=tuple(
            Comparison(other, "log_loss", estimate(value, half, random), optimistic=True)
            for other, (value, half) in comparisons.items() if other != "floor"
        ),
        optimism=Optimism(0.0829, Estimate(0.0853, 0.0711, 0.0992), 0.0024, 60, 16, 2),
        nested=nested(),
        confusion=confusion(classes, random),
        histograms=tuple(histogram(f"layers.{layer}.weight", random, zeros)
                         for layer, zeros in enumerate((0.0, 0.31, 0.83, 0.004))),
        gallery=tuple(Sample(str(classes[index]), f"{index}.png", tuple(f"{index}-{epoch}.png" for epoch in range(8)))
                      for index in range(4)),
        findings=(
            Finding("constant_column", Severity.INFO, "3 pixels never change and were kept.", {"columns": 3}),
            Finding("nan_loss", Severity.WARNING, "2 candidates stopped because their loss became NaN.",
                    {"step": 12, "learning_rate": 0.0097}),
        ),
        attribution=attribution(),
        learning_curve=learning_curve(),
        stability=stability(),
        openings=1,
        versions={"python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.0", "bridle": "0.1.0"},
        hardware={"processor": "x86_64", "cores": 2, "memory_gib": 7.7, "device": "cpu"},
        seconds={"search": 92.1, "baselines": 21.4, "refit": 14.9, "total": 131.8},
        laplace=laplace(),
        audit=run_audit(),
    )  # fmt: skip


def regression_evidence():
    """A search on a table of house prices, large numbers, one baseline that is better."""
    random = np.random.default_rng(3)
    base = search_evidence(count=12)
    true = random.gamma(4, 50_000, 600)
    predicted = true * random.normal(1, 0.12, 600) + random.normal(0, 9_000, 600)
    metrics = {"rmse": estimate(52_345.0, 1_400.0, random), "mae": estimate(35_100.0, 800.0, random),
               "r2": estimate(0.79, 0.02, random)}  # fmt: skip
    return Evidence(
        command={"data": "california-housing.csv.gz", "target": "medianHouseValue"},
        data=DataSummary("california-housing.csv.gz", "ab12" * 16, "table", (9,), "medianHouseValue", (),
                         {"train": 16512, "test": 4128}, {},
                         ("Column “ocean_proximity” holds text: taken as categories.",)),
        task=Task.REGRESSION,
        metric="rmse",
        higher_is_better=False,
        recipe=RECIPE,
        candidates=base.candidates,
        baselines=base.baselines,
        choice=base.choice,
        tested=(Tested("chosen", RECIPE, metrics), Tested("none", RECIPE, metrics), Tested("floor", "", metrics)),
        comparisons=(Comparison("none", "rmse", Estimate(310.0, -250.0, 870.0)),
                     Comparison("floor", "rmse", Estimate(-1_200.0, -2_100.0, -330.0))),
        residuals=Residuals(tuple(true.tolist()), tuple(predicted.tolist())),
        openings=2,
    )  # fmt: skip


def single_evidence():
    """One training of a given recipe: nothing was free, so no search, no baselines."""
    random = np.random.default_rng(1)
    outcomes = tuple(Outcome(0, 0, seed, curves(0.09, 0.03, 20, random)) for seed in range(5))
    data = DataSummary("photos/", "00ff" * 16, "image", (3, 64, 64), "folder", ("cat", "dog"),
                       {"train": 800, "test": 200}, {"cat": 500, "dog": 500})  # fmt: skip
    return Evidence(
        {}, data, Task.CLASSIFICATION, "log_loss", False, RECIPE,
        tested=(tested_on("chosen", 0.09, random, *outcomes),),
        confusion=confusion(("cat", "dog"), random, 200), openings=1,
    )  # fmt: skip


def hostile_evidence():
    """The search on digits, with every name from the data an attack."""
    evidence = search_evidence(classes=HOSTILE, count=8)
    named = tuple(
        dataclasses.replace(item, name=HOSTILE[1], dials={HOSTILE[0]: HOSTILE[1]}) for item in evidence.candidates
    )
    return dataclasses.replace(
        evidence,
        data=dataclasses.replace(evidence.data, name=HOSTILE[1], target=HOSTILE[2], notes=HOSTILE),
        histograms=tuple(
            dataclasses.replace(item, name=name) for item, name in zip(evidence.histograms, HOSTILE[1:], strict=False)
        ),
        findings=tuple(Finding(name, Severity.ERROR, name, {name: name}) for name in HOSTILE),
        candidates=named,
        attribution=dataclasses.replace(
            attribution(), worths=tuple(dataclasses.replace(item, name=HOSTILE[1]) for item in attribution().worths)
        ),
        stability=stability(HOSTILE[:4]),
        recipe=f"# {HOSTILE[1]}\n{RECIPE}",
        laplace=laplace(HOSTILE),
        audit=dataclasses.replace(run_audit(HOSTILE[1:3]), checks=HOSTILE, notes=HOSTILE),
        command=dict.fromkeys(HOSTILE, HOSTILE[1]),
        versions=dict.fromkeys(HOSTILE, HOSTILE[0]),
    )


def large_evidence():
    """A hundred classes and twenty parameters."""
    random = np.random.default_rng(0)
    evidence = search_evidence(classes=tuple(f"class number {number}" for number in range(100)), count=6)
    histograms = tuple(histogram(f"encoder.blocks.{block}.projection.weight", random, 0.0) for block in range(20))
    return dataclasses.replace(
        evidence, confusion=confusion(evidence.data.classes, random, 10_000), histograms=histograms
    )


@pytest.fixture(scope="session")
def searched():
    """A search over digits with three baselines, sixty candidates and two failures."""
    return search_evidence()


@pytest.fixture(scope="session")
def regressed():
    """A search on house prices that did not help."""
    return regression_evidence()


@pytest.fixture(scope="session")
def single():
    """One training of a given recipe."""
    return single_evidence()


@pytest.fixture(scope="session")
def hostile():
    """A search on data whose names are attacks."""
    return hostile_evidence()


@pytest.fixture(scope="session")
def large():
    """A hundred classes and twenty parameters."""
    return large_evidence()


@pytest.fixture(scope="session")
def bare():
    """The least that evidence can be."""
    data = DataSummary("data", "", "table", (3,), "y", (), {}, {})
    return Evidence({}, data, Task.REGRESSION, "rmse", False, "")


@pytest.fixture
def run(tmp_path, searched):
    """A run's folder with the pictures of the gallery."""
    (tmp_path / "gallery").mkdir()
    for index, sample in enumerate(searched.gallery):
        for step, name in enumerate((sample.original, *sample.augmented)):
            (tmp_path / "gallery" / name).write_bytes(png(9 + index + step))
    return tmp_path


@pytest.fixture(scope="session")
def sound():
    """A check that plotly accepts a figure: every name and value of traces and layout is validated."""

    def resolved(part):
        if isinstance(part, dict):
            return {key: resolved(item) for key, item in part.items()}
        if isinstance(part, list | tuple):
            return [resolved(item) for item in part]
        return "#123456" if isinstance(part, str) and re.fullmatch(r"<[\w-]+>", part) else part

    def check(figure):
        plotly.graph_objects.Figure(resolved(figure.data), resolved(figure.layout))
        json.dumps(figure.data, allow_nan=False)
        assert figure.says
        assert figure.height > 0
        return figure

    return check
