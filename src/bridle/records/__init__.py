"""Plain records: what travels between the parts. Nothing here imports torch."""

from bridle.records.attribution import Attribution, SubRecipe, Worth
from bridle.records.audit import Audit
from bridle.records.certainty import Comparison, Nested, Optimism, OuterFold
from bridle.records.estimate import Estimate
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
from bridle.records.laplace import Laplace, LaplaceLayer, LaplaceStep
from bridle.records.layout import Column, Kind, Layout
from bridle.records.learning_curve import CurvePoint, LearningCurve, PowerLaw
from bridle.records.ledger import Entry, Ledger, Part
from bridle.records.outcome import Curves, Outcome
from bridle.records.run_audit import Effect, RunAudit
from bridle.records.stability import Stability
from bridle.records.task import Task

__all__ = [
    "SCHEMA",
    "Attribution",
    "Audit",
    "Candidate",
    "Choice",
    "Column",
    "Comparison",
    "Confusion",
    "CurvePoint",
    "Curves",
    "DataSummary",
    "Effect",
    "Entry",
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
    "LearningCurve",
    "Ledger",
    "Mark",
    "Nested",
    "Optimism",
    "Outcome",
    "OuterFold",
    "Part",
    "PowerLaw",
    "Residuals",
    "RunAudit",
    "Sample",
    "Severity",
    "Stability",
    "SubRecipe",
    "Task",
    "Tested",
    "Worth",
]
