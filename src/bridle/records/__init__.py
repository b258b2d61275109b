"""Plain records: what travels between the parts. Nothing here imports torch."""

from bridle.records.evidence import (
    SCHEMA,
    Candidate,
    Choice,
    Comparison,
    Confusion,
    DataSummary,
    Estimate,
    Evidence,
    Histogram,
    Residuals,
    Sample,
    Tested,
)
from bridle.records.finding import Finding, Severity
from bridle.records.fold import Fold, Mark
from bridle.records.laplace import Laplace, LaplaceLayer, LaplaceStep
from bridle.records.layout import Column, Kind, Layout
from bridle.records.outcome import Curves, Outcome
from bridle.records.task import Task

__all__ = [
    "SCHEMA",
    "Candidate",
    "Choice",
    "Column",
    "Comparison",
    "Confusion",
    "Curves",
    "DataSummary",
    "Estimate",
    "Evidence",
    "Finding",
    "Fold",
    "Histogram",
    "Kind",
    "Laplace",
    "LaplaceLayer",
    "LaplaceStep",
    "Layout",
    "Mark",
    "Outcome",
    "Residuals",
    "Sample",
    "Severity",
    "Task",
    "Tested",
]
