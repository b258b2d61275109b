"""The audit of a script as text, JSON or SARIF."""

import json
from collections import Counter
from importlib.metadata import version
from textwrap import fill

from bridle.errors import RunError
from bridle.records import Severity
from bridle.records.traced import Traced
from bridle.report.sarif import sarif

WIDTH = 100
FORMATS = ("text", "json", "sarif")


def check_format(form: str) -> None:
    """Refuse what is no format, before the script runs.

    Raises:
        RunError: With the formats there are.
    """
    if form not in FORMATS:
        raise RunError(f"format must be one of {', '.join(FORMATS)}; got {form!r}.")


def written(traced: Traced, form: str) -> str:
    """The audit in one of :data:`FORMATS`."""
    if form == "json":
        return json.dumps(traced.plain(), indent=2)
    return sarif(traced, version("bridle")) if form == "sarif" else text(traced)


def text(traced: Traced) -> str:
    """The audit for a terminal: how far the script ran, each finding, what could not be seen."""
    how_far = f"{traced.steps} optimizer step{'s' * (traced.steps != 1)}"
    how_far += f", {traced.validations} validation{'s' * (traced.validations != 1)}"
    parts = [f"{traced.script}: {how_far}"]
    parts.extend(f"{one.severity.upper()} {one.name}\n{_indented(one.message)}" for one in traced.findings)
    parts.extend(f"note\n{_indented(note)}" for note in traced.notes)
    counts = Counter(finding.severity for finding in traced.findings)
    summary = ", ".join(_counted(counts[severity], severity) for severity in reversed(Severity) if counts[severity])
    parts.append(f"Found: {summary}." if summary else "Nothing was found.")
    return "\n\n".join(parts)


def _counted(count: int, severity: Severity) -> str:
    return f"{count} {severity}{'s' * (count > 1 and severity is not Severity.INFO)}"


def _indented(message: str) -> str:
    return fill(message, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
