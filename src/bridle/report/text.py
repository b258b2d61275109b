"""The summary in the terminal: the verdict, the table against the baselines, and where the report is."""

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bridle.records import Estimate, Evidence, Tested
from bridle.report.certainty import nested_text, optimism_text
from bridle.report.further import sentences
from bridle.report.reading import Standing, against, standing
from bridle.report.run_audit import audit_sentence
from bridle.report.sections.laplace import compared
from bridle.report.verdict import verdict
from bridle.report.wording import NOTHING, direction, interval, metric_name, number, printable, tested_name

STYLES = {Standing.BETTER: "green", Standing.WORSE: "red", Standing.UNCLEAR: "", Standing.UNKNOWN: ""}
ALSO = ("balanced_accuracy", "accuracy", "r2", "mae")


def print_summary(evidence: Evidence, console: Console, report: Path | None = None) -> None:
    """Print :func:`summary` to ``console``."""
    console.print(summary(evidence, report))


def summary(evidence: Evidence, report: Path | None = None) -> RenderableType:
    """What was gained, and how sure that is.

    Args:
        evidence: What to sum up.
        report: Where the page is; said in the last line.
    """
    parts: list[RenderableType] = [Text(printable(verdict(evidence)), style="bold"), Text()]
    if evidence.tested:
        parts += [_table(evidence), Text()]
    if asked := sentences(evidence):
        parts += [*(Text(printable(line)) for line in asked), Text()]
    parts += [Text(printable(line), style="dim") for line in _footnotes(evidence)]
    if report is not None:
        parts.append(Text.assemble("Report: ", (printable(str(report)), "bold cyan"), overflow="fold"))
    return Group(*parts)


def _table(evidence: Evidence) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column(Text("on sealed test rows"))
    table.add_column(Text(f"{metric_name(evidence.metric)} ({direction(evidence.higher_is_better)})"))
    compared = bool(evidence.comparisons)
    if compared:
        table.add_column(Text("chosen is better by"))
    also = _also(evidence)
    for metric in also:
        table.add_column(Text(metric_name(metric)), justify="right")
    for tested in evidence.tested:
        table.add_row(*_row(evidence, tested, compared, also))
    return table


def _row(evidence: Evidence, tested: Tested, compared: bool, also: list[str]) -> list[Text]:
    name = tested_name(tested.name, evidence.task, evidence.choice is not None)
    cells = [
        Text(printable(name), style="bold" if tested.name == "chosen" else ""),
        Text(_estimate(tested.metrics.get(evidence.metric))),
    ]
    if compared:
        cells.append(_difference(evidence, tested.name))
    return cells + [Text(_value(tested.metrics.get(metric))) for metric in also]


def _difference(evidence: Evidence, other: str) -> Text:
    comparison = against(evidence, other)
    if comparison is None:
        return Text()
    return Text(interval(comparison.difference), style=STYLES[standing(comparison.difference)])


def _also(evidence: Evidence) -> list[str]:
    """One further metric that people know, if it was measured: wide tables do not fit a terminal."""
    known = {name for tested in evidence.tested for name in tested.metrics} - {evidence.metric}
    return [name for name in ALSO if name in known][:1]


def _estimate(estimate: Estimate | None) -> str:
    return NOTHING if estimate is None else interval(estimate)


def _value(estimate: Estimate | None) -> str:
    return NOTHING if estimate is None else number(estimate.value)


def _certainties(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    return ("Optimism", optimism_text(evidence)), ("Nested", nested_text(evidence))


def _footnotes(evidence: Evidence) -> list[str]:
    notes = []
    if any(standing(comparison.difference) is Standing.UNCLEAR for comparison in evidence.comparisons):
        notes.append("An interval that covers zero means: no difference shown.")
    notes += [f"{name}: {text}" for name, text in _certainties(evidence) if text]
    if evidence.laplace is not None and (said := compared(evidence)):
        notes.append(f"L2 by layer from the marginal likelihood, without validation data: {said}")
    notes += [said] if (said := audit_sentence(evidence)) else []
    serious = [finding for finding in evidence.findings if finding.severity != "info"]
    return notes + [f"{finding.severity.value}: {finding.message}" for finding in serious]
