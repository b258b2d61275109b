"""Ctrl-C and kill -9 for real: the run goes on and reaches the result of an undisturbed one."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

SEARCH = ("pictures.npz", "--recipe", "mixed.toml", "--trials", 6, "--folds", 2, "--seeds", 2)


@pytest.fixture
def undisturbed(cli, pictures):
    """The run that nothing disturbed."""
    result = cli("fit", *SEARCH, "--out", "undisturbed")
    assert result.exit_code == 0, result.output
    return Path("undisturbed")


@pytest.fixture
def resumed(cli, undisturbed, same):
    """Resume a run and compare it with the undisturbed one."""

    def check(run):
        result = cli("fit", "--resume", run)
        assert result.exit_code == 0, result.output
        same.weights(run, undisturbed)
        assert same.evidence(run) == same.evidence(undisturbed)

    return check


def test_control_c_says_how_to_go_on(start, resumed):
    process = start("fit", *SEARCH, "--out", "run")
    process.wait_for("Search ")
    process.send(signal.SIGINT)
    assert process.wait() in (130, -signal.SIGINT)
    said = process.log.read_text()
    assert "Interrupted. The run so far is in run; go on with: bridle fit --resume run" in said
    assert "Traceback" not in said
    resumed("run")


@pytest.mark.slow
def test_control_c_at_any_moment_of_the_start(start, folder):
    """A shell shows 130 for both endings: Python ends itself by the signal where ``exec`` was interrupted."""
    for wait in (0.4, 0.8, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0):
        process = start("fit", "digits", "--out", "run")
        time.sleep(wait)
        process.send(signal.SIGINT)
        assert process.wait() in (130, -signal.SIGINT)
        assert "Traceback" not in process.log.read_text()
        if Path("run").exists():
            shutil.rmtree("run")
        else:
            assert "Nothing was done yet" in process.log.read_text() or wait < 1


def test_kill_in_the_search(start, resumed):
    process = start("fit", *SEARCH, "--out", "run")
    process.wait_for("Search ")
    process.send(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed("run")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "grid", "halving", "hyperband", "path"])
def test_kill_in_the_search_of_every_strategy(start, cli, pictures, same, strategy):
    """Where recipes pause and go on, or start from each other's weights, too; a grid of two dials, a path of one."""
    text = Path("mixed.toml").read_text().replace("optional = true", "")
    fixed = text.replace("{ choice = [0.1, 0.5] }", "0.3").replace("{ low = 1e-3, high = 1e-2, log = true }", "5e-3")
    Path("some.toml").write_text(fixed if strategy == "path" else text)
    asked = ("pictures.npz", "--recipe", "some.toml", "--strategy", strategy, "--folds", 2, "--seeds", 1)
    asked += ("--points", 5) if strategy == "path" else ("--trials", 6)
    assert cli("fit", *asked, "--out", "undisturbed").exit_code == 0
    process = start("fit", *asked, "--out", "run")
    process.wait_for("Search ")
    process.send(signal.SIGKILL)
    process.wait()
    assert cli("fit", "--resume", "run").exit_code == 0
    same.weights("run", "undisturbed")
    assert same.evidence("run") == same.evidence("undisturbed")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "times"),
    [("Baselines ", 1), ("Baselines ", 6), ("Search ", 1), ("Refit ", 1), ("Refit ", 5), ("Opening", 1)],
)
def test_kill_at_a_moment(start, resumed, said, times):
    process = start("fit", *SEARCH, "--out", "run")
    process.wait_for(said, times)
    process.send(signal.SIGKILL)
    process.wait()
    resumed("run")


@pytest.mark.slow
def test_kill_with_workers(cli, start, folder, same):
    """Only the parent is killed; the run is resumed at once, while the workers may still be there."""
    Path("long.toml").write_text(Path("space.toml").read_text().replace("epochs = 3", "epochs = 12"))
    asked = ("digits", "--recipe", "long.toml", "--trials", 2, "--folds", 2, "--seeds", 2, "--workers", 2)
    process = start("fit", *asked, "--out", "run")
    process.wait_for("Baselines ", 5)
    process.process.kill()
    process.wait()
    again = start("fit", "--resume", "run")
    assert again.wait(400) == 0, again.log.read_text()
    assert cli("fit", *asked, "--out", "undisturbed").exit_code == 0
    same.weights("run", "undisturbed")
    assert same.evidence("run") == same.evidence("undisturbed")


def _workers(process):
    """The processes that train for one; not those that only watch."""
    children = Path(f"/proc/{process.process.pid}/task").glob("*/children")
    numbers = [int(number) for file in children for number in file.read_text().split()]
    return [number for number in numbers if b"LokyProcess" in Path(f"/proc/{number}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found under /proc")
def test_kill_a_worker(start, cli, folder, same):
    """What it had is trained again, by this process or a new worker, and the search goes on."""
    Path("long.toml").write_text(Path("space.toml").read_text().replace("epochs = 3", "epochs = 12"))
    asked = ("digits", "--recipe", "long.toml", "--trials", 2, "--folds", 2, "--seeds", 2, "--workers", 2)
    process = start("fit", *asked, "--out", "run")
    process.wait_for("Baselines ", 1)
    killed = 0
    while process.process.poll() is None and killed < 2:
        for worker in _workers(process)[:1]:
            time.sleep(2)
            os.kill(worker, signal.SIGKILL)
            killed += 1
        time.sleep(0.1)
    assert killed, "workers were hired"
    assert process.wait(400) == 0, process.log.read_text()
    assert cli("fit", *asked, "--out", "undisturbed").exit_code == 0
    same.weights("run", "undisturbed")
    assert same.evidence("run") == same.evidence("undisturbed")


@pytest.mark.slow
def test_killed_again_and_again(start, resumed):
    """Each try lives a little longer than it takes to get going, until one comes to the end."""
    process = start("fit", *SEARCH, "--out", "run")
    process.wait_for("Baselines ...")
    for tries in range(60):
        time.sleep(0.3 + 0.15 * tries)
        process.send(signal.SIGKILL)
        process.wait()
        if Path("run/evidence.json").exists():
            break
        process = start("fit", "--resume", "run")
        process.wait_for("Searching")
    assert tries > 3
    resumed("run")
