"""What goes wrong in a command becomes one clean line and an exit status."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from bridle.errors import BridleError

MENDABLE = 2
INTERRUPTED = 130

_pressed = threading.Event()
"""Ctrl-C was pressed: an exception alone is lost where a library calls back and ignores what is raised."""


@contextmanager
def guarded(after_interrupt: Callable[[], str] = str) -> Iterator[None]:
    """Turn errors that the user can mend into exit status 2 and Ctrl-C into 130, each with a line on the error stream.

    Args:
        after_interrupt: Says, after Ctrl-C, what is left and how to go on.
    """
    _pressed.clear()
    try:
        with _handling(_press):
            yield
    except BrokenPipeError:
        raise
    except (BridleError, OSError) as error:
        _leave(f"Error: {_text(error)}", MENDABLE)
    except KeyboardInterrupt:
        _leave(f"\nInterrupted. {after_interrupt()}".rstrip(), INTERRUPTED)


def heed() -> None:
    """Stop now if Ctrl-C was pressed and nobody heard it; called wherever progress is shown.

    Raises:
        KeyboardInterrupt: If it was.
    """
    if _pressed.is_set():
        raise KeyboardInterrupt


@contextmanager
def importing() -> Iterator[None]:
    """End the process at once on Ctrl-C: right while libraries are imported, some of which swallow an interrupt."""
    with _handling(_end):
        yield


@contextmanager
def _handling(interrupt: Callable[..., None]) -> Iterator[None]:
    """Have Ctrl-C call a function; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _press(*_: object) -> None:
    _pressed.set()
    raise KeyboardInterrupt


def _end(*_: object) -> None:
    os.write(2, b"\nInterrupted. Nothing was done yet.\n")
    os._exit(INTERRUPTED)


def _text(error: BridleError | OSError) -> str:
    """Bridle's own message as it is; the system's with the file, without the number."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror} ({error.filename})." if error.filename else error.strerror


def _leave(message: str, status: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(status) from None
