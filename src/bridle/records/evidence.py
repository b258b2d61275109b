"""What a search or a fit found, as plain records: the content of ``evidence.json``.

The schema is versioned (:data:`SCHEMA`) and described in ``docs/evidence.md``. Everything here is numbers, strings,
lists and mappings; :mod:`bridle.records.serial` writes and reads it.
"""

from dataclasses import dataclass, field
from typing import Any

from bridle.records.attribution import Attribution
from bridle.records.certainty import Comparison, Nested, Optimism
from bridle.records.estimate import Estimate
from bridle.records.finding import Finding
from bridle.records.laplace import Laplace
from bridle.records.learning_curve import LearningCurve
from bridle.records.outcome import Outcome
from bridle.records.run_audit import RunAudit
from bridle.records.stability import Stability
from bridle.records.task import Task

SCHEMA = 1


@dataclass(frozen=True)
class Candidate:
    """A recipe that was tried, with every fold's outcome.

    Args:
        number: Its number in the search; the outcomes carry it.
        name: For a baseline its name ("none", "adamw", "early stopping"), else ``"trial 7"``.
        recipe: The recipe as TOML text, nothing free in it.
        dials: The values that the search chose for it, by address such as ``"l2.strength"``.
        active: Names of the regularizers that are on.
        epoch: The epoch (counted from 1) that is best on the mean curve over folds.
        score: The mean over folds of the metric at that epoch.
        error: The standard error of that mean over folds and seeds.
        gap: Validation score against clean training score at that epoch, in the metric's unit; positive means
            overfitting.
        outcomes: One per fold and seed.
        failure: The first cause, with its fold and seed, where no epoch has a score in every fold, else ``None``.
        until: The epoch at which the search dropped it, so that it cannot be chosen; 0 where it was trained to its end.
        warm: The number of the candidate whose weights it started from, on a path; else ``None``.
    """

    number: int
    name: str
    recipe: str
    dials: dict[str, Any]
    active: tuple[str, ...]
    epoch: int
    score: float
    error: float
    gap: float
    outcomes: tuple[Outcome, ...]
    failure: str | None = None
    until: int = 0
    warm: int | None = None


@dataclass(frozen=True)
class Choice:
    """Which candidate was chosen, and why.

    Args:
        number: The chosen candidate.
        best: The candidate with the best mean.
        rule: ``"one-se"`` or ``"best"``.
        within: The candidates within one standard error of the best, in order of preference.
        reason: The reason in a sentence.
    """

    number: int
    best: int
    rule: str
    within: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Tested:
    """One recipe, refitted on all training rows with several seeds and scored on the sealed test rows.

    Args:
        name: ``"chosen"``, a baseline's name, ``"laplace"``, ``"floor"`` (logistic or linear regression), or
            ``"ensemble"`` (the mean prediction of the chosen recipe's fold members).
        recipe: As TOML text; empty for the floor.
        metrics: Every metric by name, with its interval (bootstrap over test rows and seeds).
        outcomes: The curves of the refits, one per seed.
    """

    name: str
    recipe: str
    metrics: dict[str, Estimate]
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class Confusion:
    """Counts of true (rows) against predicted (columns) classes on the test rows, mean over seeds."""

    classes: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Residuals:
    """Up to 2,000 test rows of a regression: true and predicted values."""

    true: tuple[float, ...]
    predicted: tuple[float, ...]


@dataclass(frozen=True)
class Histogram:
    """The weights of one parameter before and after training, on the same bins.

    Args:
        name: The parameter.
        edges: ``bins + 1`` edges.
        before: Counts at initialisation.
        after: Counts after training.
        zeros: The share of exact zeros after training, in [0, 1].
    """

    name: str
    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    zeros: float


@dataclass(frozen=True)
class Sample:
    """One example of the gallery: file names of PNG pictures below the run's ``gallery`` folder.

    Args:
        label: The class of the original.
        original: The picture as it is.
        augmented: The same picture as the network sees it in successive epochs.
    """

    label: str
    original: str
    augmented: tuple[str, ...]


@dataclass(frozen=True)
class DataSummary:
    """What the data was.

    Args:
        name: Path or bundled name as the user gave it.
        fingerprint: SHA-256 over inputs and targets, hexadecimal.
        kind: ``"table"`` or ``"image"``.
        shape: Shape of one stored row.
        target: Name of the target.
        classes: Names of the classes, empty for regression.
        rows: Number of rows for training, and for the test: ``{"train": ..., "test": ...}``.
        counts: Rows per class.
        notes: What was noticed while reading, in sentences (skipped files, dropped columns, the inferred task ...).
    """

    name: str
    fingerprint: str
    kind: str
    shape: tuple[int, ...]
    target: str
    classes: tuple[str, ...]
    rows: dict[str, int]
    counts: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Everything that a job established.

    Args:
        command: What was asked, by name: folds, trials, budget, seed, selection rule, ...
        data: What the data was.
        task: Classification or regression.
        metric: The name of the metric that chose.
        higher_is_better: Which way it points.
        recipe: The chosen (or given) recipe, resolved, as TOML text.
        candidates: All that was tried; empty where nothing was free.
        baselines: The baselines with their own learning rate and epochs, on the same folds.
        choice: The choice, or ``None`` where nothing was free.
        tested: Results on the sealed test rows, the chosen first.
        comparisons: The chosen against each other on the sealed test rows.
        fold_comparisons: The chosen against each baseline on the folds that made the choice.
        optimism: How much better the chosen score on the folds looks than it is, or ``None``.
        nested: What the whole search is worth, where nested cross-validation was asked for.
        confusion: For classification.
        residuals: For regression.
        histograms: Weights before and after.
        gallery: Augmented samples beside their originals.
        findings: What was noticed.
        attribution: What each regularizer is worth, where that was asked.
        learning_curve: What more data would buy, where that was asked.
        stability: How often each feature survives, where that was asked.
        openings: How often the sealed test set was opened.
        versions: Of Python and of the packages that matter.
        hardware: Processor, cores, memory, device.
        seconds: Wall time by stage: ``"search"``, ``"baselines"``, ``"optimism"``, ``"nested"``, ``"laplace"``,
            ``"refit"``, ``"attribution"``, ``"learning curve"``, ``"stability"``, ``"audit"``, ``"total"``.
        laplace: Strengths by the marginal likelihood, where they were asked for.
        modes: How the members of the search trained, in packs or one by one and why; each way once.
        audit: What acted on each weight in the training of the final model, as measured; ``None`` in runs of before
            there was such an audit.
        schema: Version of this schema.
    """

    command: dict[str, Any]
    data: DataSummary
    task: Task
    metric: str
    higher_is_better: bool
    recipe: str
    candidates: tuple[Candidate, ...] = ()
    baselines: tuple[Candidate, ...] = ()
    choice: Choice | None = None
    tested: tuple[Tested, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    fold_comparisons: tuple[Comparison, ...] = ()
    optimism: Optimism | None = None
    nested: Nested | None = None
    confusion: Confusion | None = None
    residuals: Residuals | None = None
    histograms: tuple[Histogram, ...] = ()
    gallery: tuple[Sample, ...] = ()
    findings: tuple[Finding, ...] = ()
    attribution: Attribution | None = None
    learning_curve: LearningCurve | None = None
    stability: Stability | None = None
    openings: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    laplace: Laplace | None = None
    modes: tuple[str, ...] = ()
    audit: RunAudit | None = None
    schema: int = SCHEMA
