"""An audit in the terminal: what moved each parameter, and what is wrong."""

import math

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bridle.records import Audit, Entry, Ledger, Severity
from bridle.report.wording import NOTHING, number, printable

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
COLUMNS = ("data", "penalty", "decay", "proximal", "clipping", "interaction")


def print_audit(audit: Audit, console: Console | None = None) -> None:
    """Print :func:`audit_text` to ``console``, or to the standard output."""
    (console or Console()).print(audit_text(audit))


def audit_text(audit: Audit) -> RenderableType:
    """The table of the ledger, the findings, and what could not be put back."""
    lines = [_finding(finding.severity, finding.name, finding.message) for finding in audit.findings]
    notes = [*audit.ledger.notes, *audit.unrestored]
    together = f" in {audit.ledger.processes} processes" if audit.ledger.processes > 1 else ""
    return Group(
        Text(
            f"What moved the weights in one step of {audit.ledger.optimizer}{together}, in shares of each movement",
            style="bold",
        ),
        _table(audit.ledger),
        Text(),
        *(lines or [Text("No mistake found.", style="green")]),
        Text(),
        *(Text(printable(note), style="dim") for note in notes),
    )


def _finding(severity: Severity, name: str, message: str) -> Text:
    return Text.assemble((f"{severity.value} ", STYLES[severity]), (f"{name}: ", "bold"), printable(message))


def _table(ledger: Ledger) -> Table:
    at_work = [name for name in COLUMNS if any(name in entry.parts for entry in ledger.entries)]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(Text("parameter"))
    table.add_column(Text("moved"), justify="right")
    for name in at_work:
        table.add_column(Text(name), justify="right")
    for name in ("L2 strength", "L1 strength", "decay"):
        table.add_column(Text(name), justify="right")
    table.add_column(Text("used"))
    for entry in ledger.entries:
        table.add_row(*map(Text, _row(entry, at_work)))
    return table


def _row(entry: Entry, at_work: list[str]) -> list[str]:
    moved = entry.movement / entry.size if entry.size else math.nan
    shares = [f"{entry.parts[name].share:.1%}" if name in entry.parts else NOTHING for name in at_work]
    return [
        printable(entry.name),
        NOTHING if math.isnan(moved) else f"{moved:.2%}",
        *shares,
        *(_strength(entry, value) for value in (entry.strength, entry.l1_strength)),
        number(entry.decay),
        {True: "yes", False: "no", None: "unknown"}[entry.used],
    ]


def _strength(entry: Entry, value: float) -> str:
    return "unknown" if entry.penalty == "unknown" else NOTHING if value == 0.0 else number(value)
