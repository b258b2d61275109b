"""How the members of a job train, kept in its folder: who resumes the job trains alike, and the report tells it."""

import hashlib
import json
from collections.abc import Hashable
from dataclasses import asdict
from pathlib import Path

from bridle.engine import checkpoint
from bridle.engine.packs.verdict import Verdict
from bridle.engine.setting import Setting


def read(setting: Setting, kind: Hashable) -> Verdict | None:
    """The verdict that the job began with; ``None`` where it has none for this kind."""
    file = _file(setting, kind)
    if file is None or not file.exists():
        return None
    try:
        return Verdict(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError, OSError):
        return None


def keep(setting: Setting, kind: Hashable, found: Verdict) -> None:
    """Write a verdict to the job's folder, where there is one.

    Raises:
        StorageError: If it cannot be written.
    """
    file = _file(setting, kind)
    if file is not None:
        with checkpoint.replacing(file) as part:
            part.write_text(json.dumps(asdict(found)), encoding="utf-8")


def told(setting: Setting) -> list[str]:
    """How the members of the job train, a sentence for each way."""
    if setting.folder is None:
        return []
    found = []
    for file in (setting.folder / "modes").glob("*.json"):
        try:
            found.append(_words(Verdict(**json.loads(file.read_text(encoding="utf-8")))))
        except (ValueError, TypeError, OSError):
            continue  # damaged: it is judged anew when it is needed
    return sorted(set(found))


def _words(found: Verdict) -> str:
    return f"in packs of up to {found.size}" if found.together else f"one by one: {found.reason}"


def _file(setting: Setting, kind: Hashable) -> Path | None:
    if setting.folder is None:
        return None
    return setting.folder / "modes" / f"{hashlib.sha256(repr(kind).encode()).hexdigest()[:16]}.json"
