"""How the members of a job train, kept in its folder: who resumes the job trains alike, and the report tells it."""

import hashlib
from collections.abc import Hashable
from pathlib import Path

from bridle.engine.packs.verdict import Verdict, load, save
from bridle.engine.setting import Setting


def read(setting: Setting, kind: Hashable) -> Verdict | None:
    """The verdict that the job began with; ``None`` where it has none for this kind."""
    file = _file(setting, kind)
    return None if file is None else load(file)


def keep(setting: Setting, kind: Hashable, found: Verdict) -> None:
    """Write a verdict to the job's folder, where there is one.

    Raises:
        StorageError: If it cannot be written.
    """
    file = _file(setting, kind)
    if file is not None:
        save(file, found)


def told(setting: Setting) -> list[str]:
    """How the members of the job train, a sentence for each way; damaged files are judged anew when they are needed."""
    if setting.folder is None:
        return []
    found = [load(file) for file in (setting.folder / "modes").glob("*.json")]
    return sorted({_words(verdict, setting.compiled) for verdict in found if verdict is not None})


def _words(found: Verdict, compiled: bool) -> str:
    if not found.together:
        return f"one by one: {found.reason}"
    return f"in packs of up to {found.size}" + (", compiled" if compiled else "")


def _file(setting: Setting, kind: Hashable) -> Path | None:
    if setting.folder is None:
        return None
    return setting.folder / "modes" / f"{hashlib.sha256(repr(kind).encode()).hexdigest()[:16]}.json"
