"""Databases that are locked, away, full or broken: real SQLite files and a real PostgreSQL server."""

import importlib.util
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from bridle.choosing import database
from bridle.choosing.database import Database, url_of, without_password
from bridle.choosing.sampling import open_study
from bridle.choosing.strategies import TPE
from bridle.errors import StorageError

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""


@pytest.fixture
def said():
    """What a search would tell the user."""
    return []


@pytest.fixture
def impatient(monkeypatch):
    """Pauses of tenths of a second, and patience for one."""
    monkeypatch.setattr(database, "BUSY", 0.05)
    monkeypatch.setattr(database, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(database, "PATIENCE", 1.0)


@pytest.fixture
def study(tmp_path, said, impatient):
    with open_study(tmp_path / "study.db", "search", 0, higher_is_better=False, say=said.append) as opened:
        yield opened


@pytest.fixture
def lock(tmp_path):
    """Lets another process lock the study's file; gives what sets it free."""
    holders = []

    def hold():
        command = [sys.executable, "-c", HOLD, tmp_path / "study.db"]
        holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert holders[-1].stdout.readline() == "locked\n"
        return holders[-1].stdin.close

    yield hold
    for holder in holders:
        if not holder.stdin.closed:
            holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def test_a_locked_file_is_waited_for(study, space, said, lock, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 60.0)
    study.ask_round(space, 0, 2, TPE())
    free = lock()

    def say(text):
        said.append(text)
        if "tried again" in text:
            free()

    monkeypatch.setattr(study._database, "_say", say)
    study.tell(0, 0.5)
    study.tell(0, 0.25)
    study.tell(1, 0.5)
    assert len(said) == 2
    assert "cannot be used now (database is locked); it is tried again for up to 1 minutes" in said[0]
    assert said[1].endswith("study.db, is back.")
    assert [trial.value for trial in study._by_number().values()] == [0.5, 0.5]


def test_a_file_that_stays_locked_is_an_error_that_says_how_to_go_on(study, space, said, lock):
    lock()
    with pytest.raises(StorageError, match=r"cannot be used: database is locked\. .* bridle fit --resume goes on"):
        study.ask_round(space, 0, 2, TPE())
    assert len(said) == 1


def test_a_file_that_cannot_be_written_is_not_waited_for(study, space, said, tmp_path):
    """Someone has taken the tables away."""
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("DROP TABLE trials")
    connection.close()
    with pytest.raises(StorageError, match=r"cannot be used: no such table: trials"):
        study.ask_round(space, 0, 2, TPE())
    assert not said


def test_two_searches_make_the_tables_at_the_same_time(tmp_path, impatient):
    """Whoever comes second finds them there."""
    code = (
        "import os, sys; import optuna; from bridle.choosing.sampling import open_study\n"
        "for name in 'abc':\n"
        "    if os.fork() == 0:\n"
        "        open_study(sys.argv[1], 'search', 0, higher_is_better=False, search=name).close()\n"
        "        os._exit(0)\n"
        "sys.exit(any(os.wait()[1] for _ in 'abc'))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "study.db")], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("search", "mode"), [("", "wal"), ("first", "delete")])
def test_a_search_writes_ahead_where_the_file_is_its_own(tmp_path, space, search, mode):
    """What was told is there for whoever looks, also while the search goes on."""
    file = tmp_path / "study.db"
    with open_study(file, "search", 0, higher_is_better=False, search=search) as opened:
        for number, _ in opened.ask_round(space, 0, 2, TPE()):
            opened.tell(number, 0.5)
        with sqlite3.connect(file) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)
            assert connection.execute("SELECT COUNT(*) FROM trial_values").fetchone() == (2,)
        connection.close()
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_urls_name_their_driver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert url_of("study.db") == f"sqlite:///{tmp_path}/study.db"
    assert url_of("mysql://host/name") == "mysql://host/name"
    found = {"psycopg", "psycopg2"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in found or None)
    assert url_of("postgres://me@host/name") == "postgresql+psycopg://me@host/name"
    found.remove("psycopg")
    assert url_of("postgresql://me@host/name") == "postgresql+psycopg2://me@host/name"
    assert url_of("postgresql+asyncpg://me@host/name") == "postgresql+asyncpg://me@host/name"
    found.clear()
    with pytest.raises(StorageError, match=r"postgresql://me@host/name needs a driver .* 'bridle\[postgres\]'"):
        url_of("postgresql://me:secret@host/name")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pa:ss@w@host:5432/name", "postgresql://me@host:5432/name"),
        ("postgresql://me@host/name", "postgresql://me@host/name"),
        ("sqlite:////tmp/a@b.db", "sqlite:////tmp/a@b.db"),
    ],
)
def test_passwords_are_not_shown(url, shown):
    assert without_password(url) == shown


class Server:
    """A PostgreSQL server of its own on loopback, run by a user who is not root, as it demands."""

    def __init__(self, programs, folder):
        self._programs, self._data = programs, folder / "data"
        self._user = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._call("initdb", "-U", "bridle", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")

    def _call(self, program, *options):
        command = [self._programs / program, "-D", self._data, *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self._user)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self._call("pg_ctl", "-w", "-l", self._data / "log", "-o", settings, "start")

    def stop(self):
        self._call("pg_ctl", "-w", "-m", "immediate", "stop")

    @property
    def url(self):
        return f"postgresql://bridle@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="module")
def server():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    program = shutil.which("initdb") or (found[-1] if found else None)
    if program is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        server = Server(Path(program).parent, Path(folder))
        server.start()
        yield server
        server.stop()


def test_a_study_in_postgresql(server, space, tmp_path):
    """Asked and told as in a file."""
    asked = []
    for storage in (server.url, tmp_path / "study.db"):
        for number in range(3):
            with open_study(storage, "alike", 3, higher_is_better=True) as study:
                asked.append(study.ask_round(space, number, 4, TPE()))
                for at, values in asked[-1]:
                    study.tell(at, values["l2.strength"])
    assert asked[:3] == asked[3:]


def test_a_server_that_is_away_for_a_while_is_waited_for(server, space, said, monkeypatch):
    """It is stopped for good while recipes are told, and started again once the search says that it waits."""
    monkeypatch.setattr(database, "FIRST_PAUSE", 0.1)
    with open_study(server.url, "patient", 0, higher_is_better=False, say=said.append) as study:
        study.ask_round(space, 0, 3, TPE())
        study.tell(0, 0.5)
        starts = []

        def say(text):
            said.append(text)
            if "tried again" in text:
                starts.append(threading.Timer(1.0, server.start))
                starts[-1].start()

        monkeypatch.setattr(study._database, "_say", say)
        server.stop()
        study.tell(1, 0.25)
        study.tell(0, 9.0)
        study.tell(2, None, "NaN loss")
        starts[0].join()
        assert len(said) == 2
        assert "cannot be used now" in said[0]
        assert said[1].endswith("is back.")
        trials = study._by_number().values()
        assert [(trial.state.name, trial.value) for trial in trials] == [
            ("COMPLETE", 0.5),
            ("COMPLETE", 0.25),
            ("FAIL", None),
        ]
        assert len(study.ask_round(space, 1, 2, TPE())) == 2


def test_a_server_that_stays_away_is_an_error(server, space, said, impatient):
    with open_study(server.url, "impatient", 0, higher_is_better=False, say=said.append) as study:
        server.stop()
        with pytest.raises(StorageError, match=r"postgresql\+psycopg://bridle@127.0.0.1:\d+/postgres, cannot be used"):
            study.ask_round(space, 0, 2, TPE())
        server.start()
    assert len(said) == 1


def test_a_server_that_was_never_there_is_not_waited_for(said):
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with pytest.raises(StorageError, match=r"me@127.0.0.1:1/none, cannot be used: connection .*refused"):
        Database("postgresql://me:secret@127.0.0.1:1/none", said.append)
    assert not said
