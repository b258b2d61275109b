"""Progress: bars on a terminal, plain lines elsewhere."""

import io

from rich.console import Console

from bridle.cli.bars import Bars, Lines, display


def test_a_terminal_gets_bars():
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100, color_system=None)
    progress = display(console)
    assert isinstance(progress, Bars)
    with progress:
        progress.advance()  # before any stage: nothing to advance
        progress.stage("search", 3)
        progress.advance(2, "best [0.5]")
        progress.say("a [sentence]")
        progress.stage("Refit", 0)
        progress.advance()
    last = text.getvalue()
    assert "Search" in last
    assert "2/3" in last
    assert "best [0.5]" in last
    assert "a [sentence]" in last
    assert "Refit" in last


def test_no_terminal_gets_lines():
    text = io.StringIO()
    progress = display(Console(file=text, width=20))
    assert isinstance(progress, Lines)
    with progress:
        progress.stage("search", 100)
        for _ in range(100):
            progress.advance(1, "a note that is longer than the console is wide")
        progress.stage("Refit", 0)
        progress.advance()
    lines = text.getvalue().splitlines()
    assert lines[0] == "Search ..."
    assert lines[1] == "Search 10/100  a note that is longer than the console is wide"
    assert lines[-1] == "Refit ..."
    assert len(lines) == 12
