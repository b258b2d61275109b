"""The front door: light, with plain help and the right exit status from a real process."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "polars", "optuna", "rich", "numpy", "sklearn", "plotly", "jinja2", "PIL"}


def run(*arguments, code="from bridle.cli import main; main()"):
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom bridle.cli import main\ntry:\n    main()\nfinally:\n"
        "    print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    process = run("--help", code=code)
    assert process.returncode == 0, process.stderr
    for command in ("fit", "features", "predict", "preview", "report", "list", "convert", "audit"):
        assert f"\n  {command} " in process.stdout
    assert not HEAVY & set(process.stderr.split())


@pytest.mark.parametrize("command", ["fit", "features", "predict", "preview", "report", "list", "convert", "audit"])
def test_each_command_has_help(cli, command):
    result = cli(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: bridle {command} ") or f" {command} " in result.stdout.splitlines()[0]


def test_the_summaries_fit_on_a_line(cli):
    assert "..." not in cli("--help").stdout.split("Commands:")[1]


def test_version(cli):
    result = cli("--version")
    assert result.exit_code == 0
    assert result.stdout.split()[0] == "bridle"
    assert result.stdout.split()[1][0].isdigit()


def test_statuses_of_a_real_process():
    assert run("list", "--no-such").returncode == 2
    process = run("list", "no_such_regularizer")
    assert process.returncode == 2
    assert process.stderr.startswith("Error: There is no regularizer called 'no_such_regularizer'.")
    assert "Traceback" not in process.stderr


def test_python_dash_m():
    process = subprocess.run([sys.executable, "-m", "bridle", "--version"], capture_output=True, text=True, timeout=120)
    assert (process.returncode, process.stdout.split()[0]) == (0, "bridle")
