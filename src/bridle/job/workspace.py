"""The run folder: made once, never overwritten, finished at the end."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any, final

from bridle.errors import RunError, StorageError
from bridle.job.ask import Ask
from bridle.job.naming import default_folder
from bridle.records import serial

LEFT_BEHIND = ("data", "members")
"""Folders that only an unfinished run needs."""


@final
class Workspace:
    """The files of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, out: str | Path | None, data: Any) -> "Workspace":
        """A new run folder: ``out``, or ``runs/<name>`` with a number appended where that is taken.

        Raises:
            RunError: If ``out`` exists.
            StorageError: If it cannot be made.
        """
        folder = Path(out) if out is not None else default_folder(data)
        if folder.exists():
            raise RunError(
                f"The output folder {str(folder)!r} exists and is never overwritten. Choose another --out, or "
                f"continue an unfinished run with: bridle fit --resume {folder}"
            )
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise StorageError(error.errno or errno.EIO, f"{str(folder)!r} cannot be made: {error}.") from None
        return cls(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Workspace":
        """An existing run folder.

        Raises:
            RunError: If there is no run.
        """
        folder = Path(folder)
        if not (folder / "job.json").is_file():
            raise RunError(f"{str(folder)!r} holds no run of Bridle (there is no job.json in it).")
        return cls(folder)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: the evidence is written last."""
        return (self.folder / "evidence.json").is_file()

    def write(self, name: str, text: str) -> Path:
        """Write a text file atomically.

        Raises:
            StorageError: If the disk is full.
        """
        path = self.folder / name
        part = path.with_name(f"{path.name}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(
                error.errno or errno.EIO,
                f"{path} could not be written: {error.strerror}. Free some space, then {self._again()}",
            ) from None
        return path

    def _again(self) -> str:
        """How to go on after an error: a run can be resumed from the moment it holds what was asked."""
        can_resume = (self.folder / "job.json").is_file()
        return f"continue with: bridle fit --resume {self.folder}" if can_resume else "start again."

    def read(self, name: str) -> str:
        """The text of a file.

        Raises:
            RunError: If it is missing.
        """
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise RunError(f"The run {str(self.folder)!r} lacks {name} ({error.strerror}).") from None

    def save_ask(self, ask: Ask) -> None:
        """Store what was asked."""
        self.write("job.json", serial.dumps(ask.public()))

    def ask(self) -> Ask:
        """What was asked."""
        return serial.loads(Ask, self.read("job.json"), "job.json")

    def count_opening(self, reason: str) -> int:
        """Note that the sealed test set is opened, and how often it was, interrupted attempts included."""
        try:
            with (self.folder / "openings.txt").open("a", encoding="utf-8") as file:
                file.write(f"{reason}\n")
        except OSError as error:
            raise StorageError(error.errno or errno.EIO, f"{self.folder} could not be written: {error}.") from None
        return len(self.read("openings.txt").splitlines())

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file of the run."""
        try:
            value = json.loads(self.read(name))
        except json.JSONDecodeError as error:
            raise RunError(f"{self.folder / name} is damaged ({error}).") from None
        if not isinstance(value, dict):
            raise RunError(f"{self.folder / name} is damaged: it holds no mapping.")
        return value

    def forget_unless_trained(self) -> None:
        """Remove the folder where nothing was trained yet, so that a mended command may use it again."""
        if not any((self.folder / "members").glob("*")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def clear(self) -> None:
        """Remove what only an unfinished run needs."""
        for name in LEFT_BEHIND:
            shutil.rmtree(self.folder / name, ignore_errors=True)
