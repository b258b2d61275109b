"""An audit in the terminal: what moved each parameter, and what is wrong."""

import math
from collections.abc import Iterable
from typing import final

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bridle.records import Audit, Entry, Ledger, Severity
from bridle.report.wording import NOTHING, number, printable

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
COLUMNS = ("data", "penalty", "decay", "proximal", "clipping", "interaction")
STRENGTHS = ("L2 strength", "L1 strength", "decay", "used")
REST = "Rest is what earlier steps still move through momentum, and what parts do only together."


def print_audit(audit: Audit, console: Console | None = None) -> None:
    """Print :func:`audit_text` to ``console``, or to the standard output."""
    (console or Console()).print(audit_text(audit))


def audit_text(audit: Audit) -> RenderableType:
    """The table of the ledger, the findings, and what could not be put back."""
    lines = [_finding(finding.severity, finding.name, finding.message) for finding in audit.findings]
    rest = [REST] if "interaction" in _at_work(audit.ledger) else []
    notes = [*rest, *audit.ledger.notes, *audit.unrestored]
    together = f" in {audit.ledger.processes} processes" if audit.ledger.processes > 1 else ""
    return Group(
        Text(
            f"What moved the weights in one step of {audit.ledger.optimizer}{together}, in shares of each movement",
            style="bold",
        ),
        _Tables(audit.ledger),
        Text(),
        *(lines or [Text("No mistake found.", style="green")]),
        Text(),
        *(Text(printable(note), style="dim") for note in notes),
    )


def _finding(severity: Severity, name: str, message: str) -> Text:
    return Text.assemble((f"{severity.value} ", STYLES[severity]), (f"{name}: ", "bold"), printable(message))


@final
class _Tables:
    """What moved each parameter and the strengths, side by side, or one below the other where that is too wide."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        at_work = _at_work(self._ledger)
        shares = ("moved", *("rest" if name == "interaction" else name for name in at_work))
        rows = [(printable(entry.name), _shares(entry, at_work), _strengths(entry)) for entry in self._ledger.entries]
        whole = _table((*shares, *STRENGTHS), [(name, *left, *right) for name, left, right in rows])
        if Measurement.get(console, options.update(width=10_000), whole).maximum <= options.max_width:
            yield whole
            return
        yield _table(shares, [(name, *left) for name, left, _ in rows])
        yield Text()
        yield _table(STRENGTHS, [(name, *right) for name, _, right in rows])


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(Text("parameter"), overflow="fold")
    for name in columns:
        table.add_column(Text(name), justify="left" if name == "used" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _at_work(ledger: Ledger) -> list[str]:
    return [name for name in COLUMNS if any(name in entry.parts for entry in ledger.entries)]


def _shares(entry: Entry, at_work: list[str]) -> list[str]:
    moved = entry.movement / entry.size if entry.size else math.nan
    return [
        NOTHING if math.isnan(moved) else f"{moved:.2%}",
        *(f"{entry.parts[name].share:.1%}" if name in entry.parts else NOTHING for name in at_work),
    ]


def _strengths(entry: Entry) -> list[str]:
    return [
        *(_strength(entry, value) for value in (entry.strength, entry.l1_strength)),
        number(entry.decay),
        {True: "yes", False: "no", None: "unknown"}[entry.used],
    ]


def _strength(entry: Entry, value: float) -> str:
    return "unknown" if entry.penalty == "unknown" else NOTHING if value == 0.0 else number(value)
