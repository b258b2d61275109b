"""How this was made: the command, how members trained, wall time, versions and hardware."""

from typing import Any

from bridle.records import Evidence
from bridle.report.wording import duration, value


def content(evidence: Evidence) -> dict[str, Any] | None:
    """Groups of names and values; empty groups are left out."""
    groups = {
        "Command": [(_name(name), value(item)) for name, item in evidence.command.items()],
        "Training": [("members", f"trained {mode}") for mode in evidence.modes],
        "Wall time": [(_name(name), duration(seconds)) for name, seconds in evidence.seconds.items()],
        "Hardware": [(_name(name), value(item)) for name, item in evidence.hardware.items()],
        "Versions": list(evidence.versions.items()),
    }
    filled = {title: rows for title, rows in groups.items() if rows}
    return {"groups": filled, "schema": evidence.schema} if filled else None


def _name(name: str) -> str:
    return name.replace("_", " ")
