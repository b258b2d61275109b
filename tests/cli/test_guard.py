"""What goes wrong becomes a line and a status."""

import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
import typer
from rich.console import Console

from bridle.cli.bars import Lines
from bridle.cli.guard import guarded, importing


def test_a_closed_pipe_is_left_to_the_caller():
    with pytest.raises(BrokenPipeError), guarded():
        raise BrokenPipeError


def test_the_system_names_the_file(capsys, tmp_path):
    with pytest.raises(typer.Exit) as ended, guarded():
        (tmp_path / "no" / "file").read_text()
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == f"Error: No such file or directory ({tmp_path / 'no' / 'file'}).\n"


def test_an_interrupt_that_a_library_swallowed_is_heard_at_the_next_sign_of_progress(capsys):
    lines = Lines(Console(quiet=True))

    def work():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        lines.advance()

    with pytest.raises(typer.Exit) as ended, guarded(lambda: "Go on."):
        work()
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "\nInterrupted. Go on.\n"
    with guarded():
        lines.advance()  # the next command has not been interrupted


def test_importing_gives_control_c_back():
    before = signal.getsignal(signal.SIGINT)
    with importing():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_importing_outside_of_the_main_thread():
    seen = []

    def elsewhere():
        with importing():
            seen.append("it works")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == ["it works"]


def test_control_c_while_something_swallows_it():
    code = (
        "import os, signal\nfrom bridle.cli.guard import importing\n"
        "with importing():\n    try:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except BaseException:\n        pass\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert process.returncode == 130
    assert process.stderr == "\nInterrupted. Nothing was done yet.\n"
