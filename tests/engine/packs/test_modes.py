"""How members train, kept in the job's folder."""

import dataclasses
import itertools

import pytest

from bridle.engine.packs import modes
from bridle.engine.packs import plan as module
from bridle.engine.packs.plan import plan
from bridle.engine.packs.verdict import Verdict
from bridle.regularizers.updates import SAM


@pytest.fixture
def judged(monkeypatch):
    """Verdicts that differ each time they are found."""
    sizes = itertools.count(8)
    monkeypatch.setattr(module, "verdict", lambda *_: Verdict(True, size=next(sizes), alone=2e-3, step=1e-3))
    monkeypatch.setattr(module, "seconds_alone", lambda *_: 1e-3)


@pytest.fixture
def setting(table, shared, nets, tmp_path):
    """The setting of a job in some folder."""
    return lambda folder="job": shared(table(), nets["even"], folder=folder and tmp_path / folder)


def sizes(members, setting):
    return [task.size for task in plan(members, setting, 1, apart=False, running=False)]


def test_who_resumes_a_job_trains_as_it_began(judged, crowd, setting):
    members = crowd([()], 3)
    assert sizes(members, setting()) == [8]
    assert sizes(members, setting()) == [8]
    assert sizes(members, setting("other")) == [9]
    assert modes.told(setting()) == ["in packs of up to 8"]


def test_compiled_packs_are_told(judged, crowd, setting):
    job = setting()
    sizes(crowd([()], 3), job)
    assert modes.told(dataclasses.replace(job, compiled=True)) == ["in packs of up to 8, compiled"]


def test_the_reason_is_told(judged, crowd, setting):
    sizes(crowd([(SAM(0.05),)], 3), setting())
    assert modes.told(setting()) == ["one by one: sam takes the gradient anew"]


def test_refits_are_no_choice_of_ours(judged, crowd, setting):
    plan(crowd([()], 3), setting(), 1, apart=True, running=False)
    assert modes.told(setting()) == []


def test_a_damaged_file_is_judged_anew(judged, crowd, setting, tmp_path):
    members = crowd([()], 3)
    sizes(members, setting())
    (file,) = (tmp_path / "job" / "modes").iterdir()
    file.write_text("{")
    assert modes.told(setting()) == []
    assert sizes(members, setting()) == [9]


def test_without_a_folder_nothing_is_kept(judged, crowd, setting):
    nowhere = setting(None)
    assert sizes(crowd([()], 3), nowhere) == [8]
    assert modes.told(nowhere) == []
