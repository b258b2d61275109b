"""Plain records: what travels between the parts. Nothing here imports torch."""

from bridle.records.certainty import Comparison, Estimate, Nested, Optimism, OuterFold
from bridle.records.evidence import (
    SCHEMA,
    Candidate,
    Choice,
    Confusion,
    DataSummary,
    Evidence,
    Histogram,
    Residuals,
    Sample,
    Tested,
)
from bridle.records.finding import Finding, Severity
from bridle.records.fold import Fold, Mark
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
    "Layout",
    "Mark",
    "Nested",
    "Optimism",
    "Outcome",
    "OuterFold",
    "Residuals",
    "Sample",
    "Severity",
    "Task",
    "Tested",
]
