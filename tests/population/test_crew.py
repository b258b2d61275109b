"""A crew trains many members: here, and in workers beside this process."""

import os
import signal
import sys
import time

import cloudpickle
import pytest

from bridle.errors import StorageError
from bridle.population import Crew, Task, crew
from bridle.records import Curves, Outcome

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def told(member, **others):
    return Outcome(member.candidate, member.fold.number, member.seed, Curves(), **others)


def one_by_one(members, apart, running):
    """A task for each member, of ten seconds."""
    return [Task((member,), 10.0) for member in members]


@pytest.fixture
def hire():
    """Makes crews and dismisses them afterwards."""
    hired = []

    def make(train, workers, plan=one_by_one):
        def work(task):
            return ((member, train(member)) for member in task.members)

        hired.append(Crew(work, plan, workers))
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
    def plan(members, apart, running):
        return [Task((member,), crew.START_SECONDS / 7) for member in members]

    team = hire(lambda member: told(member, steps=os.getpid()), 2, plan)
    assert {outcome.steps for _, outcome in team(members(6))} == {os.getpid()}


def test_two_tasks_for_two_processes_are_one_each(members, hire):
    team = hire(lambda member: time.sleep(0.2) or told(member, steps=os.getpid()), 2)
    list(team(members(4)))  # the worker is up
    here = [outcome.steps == os.getpid() for _, outcome in team(members(2))]
    assert sorted(here) == [False, True]


def test_a_worker_takes_the_next_task_by_itself(members, hire):
    def train(member):
        time.sleep(1.2 if os.getpid() == home else 0.1)
        return told(member, steps=os.getpid())

    home = os.getpid()
    team = hire(train, 2)
    list(team(members(3)))  # the worker is up
    here = [outcome.steps == home for _, outcome in team(members(8))]
    assert here.count(True) <= 2


def test_workers_killed_while_idle_are_replaced(members, hire):
    team = hire(lambda member: time.sleep(0.2) or told(member, steps=os.getpid()), 2)
    (worker,) = {outcome.steps for _, outcome in team(members(4))} - {os.getpid()}
    os.kill(worker, signal.SIGKILL)
    time.sleep(1.0)
    assert sorted(outcome.candidate for _, outcome in team(members(4))) == [0, 1, 2, 3]
    assert {outcome.steps for _, outcome in team(members(4))} - {os.getpid(), worker}


def test_who_stops_asking_stops_the_work(members, hire, tmp_path):
    def train(member):
        time.sleep(0.2)
        (tmp_path / str(member.candidate)).touch()
        return told(member)

    team = hire(train, 2)
    list(team(members(3)))
    for file in tmp_path.iterdir():
        file.unlink()
    answers = team(members(30))
    next(answers)
    answers.close()
    time.sleep(1.5)
    assert len(list(tmp_path.iterdir())) < 10


def test_the_plan_is_told_who_must_train_apart(members, hire):
    asked = []
    team = hire(told, 1, lambda members, apart, running: asked.append(apart) or one_by_one(members, apart, running))
    list(team(members(1)))
    list(team(members(1), apart=True))
    assert asked == [False, True]


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
def test_a_killed_worker_does_not_lose_the_rest(members, hire, tmp_path):
    """One member kills its worker the first time; it and all others are trained in the end."""
    home, tried = os.getpid(), tmp_path / "tried"

    def train(member):
        if os.getpid() == home:
            time.sleep(1.0)  # so that the worker has its part
        elif not tried.exists():
            tried.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return told(member, steps=os.getpid())

    outcomes = {member.candidate: outcome for member, outcome in hire(train, 2)(members(12))}
    assert sorted(outcomes) == list(range(12))
    assert all(outcome.candidate == number for number, outcome in outcomes.items())
    assert tried.exists()
    assert home in {outcome.steps for outcome in outcomes.values()}
    assert len({outcome.steps for outcome in outcomes.values()}) > 1


@pytest.mark.slow
def test_dismissed_workers_are_gone_at_once(members, hire, tmp_path):
    """Also in the middle of a long training, while the answers are still held, as by a traceback after Ctrl-C."""
    home = os.getpid()

    def train(member):
        if os.getpid() != home:
            (tmp_path / f"{os.getpid()}").touch()
            time.sleep(120)
        while not list(tmp_path.iterdir()):
            time.sleep(0.1)
        return told(member)

    team = hire(train, 2)
    answers = team(members(5))
    next(answers)
    started = time.perf_counter()
    team.dismiss()
    answers.close()
    assert time.perf_counter() - started < 30
    for file in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.name), 0)


@pytest.mark.slow
def test_an_error_in_a_worker_arrives_as_it_is(members, hire):
    home = os.getpid()

    def train(member):
        if os.getpid() != home:
            raise StorageError(28, "full")
        time.sleep(0.5)
        return told(member)

    with pytest.raises(StorageError, match="full"):
        list(hire(train, 2)(members(20)))


@pytest.mark.slow
def test_where_workers_keep_dying_the_rest_is_trained_here(members, hire):
    home = os.getpid()

    def train(member):
        if os.getpid() != home:
            os.kill(os.getpid(), signal.SIGKILL)
        return told(member, steps=os.getpid())

    outcomes = [outcome for _, outcome in hire(train, 2)(members(4))]
    assert sorted((outcome.candidate, outcome.steps) for outcome in outcomes) == [(number, home) for number in range(4)]
