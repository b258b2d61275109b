"""Progress on the terminal: a bar per stage, or plain lines where the output is no terminal."""

from types import TracebackType
from typing import Protocol, Self, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bridle.cli.guard import heed


class Display(Protocol):
    """Progress that is shown between entering and leaving a ``with`` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stage(self, name: str, total: int) -> None:
        """A stage begins."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Some steps of it are done."""

    def say(self, text: str) -> None:
        """A sentence for the user."""


@final
class Bars:
    """A live bar per stage, with the last note beside it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._progress.stop()

    def stage(self, name: str, total: int) -> None:
        """A new bar below the others."""
        self._close()
        self._task = self._progress.add_task(_title(name), total=total or None, note="")

    def advance(self, steps: int = 1, note: str = "") -> None:
        """The bar grows."""
        heed()
        if self._task is not None:
            self._progress.advance(self._task, steps)
            if note:
                self._progress.update(self._task, note=note)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False)

    def _close(self) -> None:
        """The clock of the last bar stands still."""
        if self._task is not None:
            self._progress.stop_task(self._task)
            self._progress.refresh()


@final
class Lines:
    """A line when a stage begins, at each tenth of it, and for each sentence."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name, self._total, self._done, self._tenths = "", 0, 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def stage(self, name: str, total: int) -> None:
        """A line with the stage's name."""
        self._name, self._total, self._done, self._tenths = _title(name), total, 0, 0
        self.say(f"{self._name} ...")

    def advance(self, steps: int = 1, note: str = "") -> None:
        """A line at each tenth."""
        heed()
        self._done += steps
        tenths = 10 * self._done // self._total if self._total else 0
        if tenths > self._tenths:
            self._tenths = tenths
            self.say(f"{self._name} {self._done}/{self._total}  {note}".rstrip())

    def say(self, text: str) -> None:
        """The sentence on a line of its own."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def display(console: Console) -> Display:
    """The progress display that suits the console."""
    return Bars(console) if console.is_terminal else Lines(console)
