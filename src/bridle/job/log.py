"""The log of a run: what was said and when each stage began, with times."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import final

from bridle.job.progress import Progress


@final
class Logged:
    """Passes progress on and writes stages and sentences to a file of the run; a full disk never stops the work.

    Args:
        progress: Who else is told.
        file: The log.
    """

    def __init__(self, progress: Progress, file: Path) -> None:
        self._progress, self._file = progress, file

    def stage(self, name: str, total: int) -> None:
        """A stage begins."""
        self._write(f"stage {name}" + (f" ({total} trainings)" if total else ""))
        self._progress.stage(name, total)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Some steps are done."""
        self._progress.advance(steps, note)

    def say(self, text: str) -> None:
        """A sentence for the user."""
        self._write(text)
        self._progress.say(text)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError), self._file.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")
