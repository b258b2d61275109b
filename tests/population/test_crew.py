"""A crew trains many members: here, or in worker processes."""

import os
import signal
import sys
import time

import cloudpickle
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from bridle.errors import StorageError
from bridle.population import Crew, crew
from bridle.records import Curves, Outcome

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def told(member, **others):
    return Outcome(member.candidate, member.fold.number, member.seed, Curves(), **others)


@pytest.fixture
def long_work(monkeypatch):
    """Any work counts as long enough for workers."""
    monkeypatch.setattr(crew, "START_SECONDS", 0.0)


@pytest.fixture
def hire():
    """Makes crews and dismisses them afterwards."""
    hired = []

    def make(train, workers):
        hired.append(Crew(train, workers))
        return hired[-1]

    yield make
    for each in hired:
        each.dismiss()


def test_every_member_is_trained_once_in_this_process(members, hire):
    seen = []
    team = hire(lambda member: seen.append(os.getpid()) or told(member), 1)
    asked = members(5)
    answers = list(team(asked))
    assert [member for member, _ in answers] == asked
    assert [outcome.candidate for _, outcome in answers] == list(range(5))
    assert set(seen) == {os.getpid()}


def test_short_work_hires_nobody(members, hire):
    team = hire(lambda member: told(member, steps=os.getpid()), 2)
    assert {outcome.steps for _, outcome in team(members(6))} == {os.getpid()}


def test_nothing_to_do(hire):
    assert list(hire(told, 2)([])) == []


def test_members_are_trained_as_they_are_asked_for(members, hire):
    """A caller that stops asking, as after Ctrl-C, has nothing more trained."""
    seen = []
    answers = hire(lambda member: seen.append(member) or told(member), 1)(members(4))
    next(answers)
    answers.close()
    assert len(seen) == 1


def test_an_error_ends_the_work(members, hire):
    def train(member):
        raise StorageError(28, "full")

    with pytest.raises(StorageError, match="full"):
        list(hire(train, 1)(members(2)))


@pytest.mark.slow
def test_a_killed_worker_does_not_lose_the_rest(members, hire, long_work, tmp_path):
    """One member kills its worker the first time; it and all others are trained in the end."""
    home, tried = os.getpid(), tmp_path / "tried"

    def train(member):
        if member.candidate == 3 and not tried.exists():
            tried.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return told(member, steps=os.getpid())

    team = hire(train, 2)
    outcomes = {member.candidate: outcome for member, outcome in team(members(6))}
    assert sorted(outcomes) == list(range(6))
    assert all(outcome.candidate == number for number, outcome in outcomes.items())
    assert tried.exists()
    assert outcomes[0].steps == home
    assert home not in {outcomes[number].steps for number in range(1, 6)}


def test_dismissed_workers_are_gone_at_once(members, hire, long_work, tmp_path):
    """Also in the middle of a long training, while the answers are still held, as by a traceback after Ctrl-C."""

    def train(member):
        if member.candidate:
            (tmp_path / f"{os.getpid()}").touch()
            time.sleep(120 if member.candidate > 1 else 0)
        return told(member)

    team = hire(train, 2)
    answers = team(members(5))
    next(answers)
    next(answers)
    started = time.perf_counter()
    team.dismiss()
    answers.close()
    assert time.perf_counter() - started < 30
    for file in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.name), 0)


def test_an_error_in_a_worker_arrives_as_it_is(members, hire, long_work):
    def train(member):
        if member.candidate:
            raise StorageError(28, "full")
        return told(member)

    with pytest.raises(StorageError, match="full"):
        list(hire(train, 2)(members(4)))


def test_where_workers_keep_dying_the_rest_is_trained_here(members, hire, long_work, monkeypatch):
    def die(*_, **__):
        raise TerminatedWorkerError("killed")
        yield

    monkeypatch.setattr(crew, "Parallel", lambda **_: die)
    outcomes = [outcome for _, outcome in hire(lambda member: told(member, steps=os.getpid()), 2)(members(4))]
    assert [(outcome.candidate, outcome.steps) for outcome in outcomes] == [
        (number, os.getpid()) for number in range(4)
    ]
