import json
from dataclasses import replace

import numpy as np
import pytest

import bridle
from bridle.choosing.scoring import member_scores
from bridle.engine.train import train
from bridle.errors import DataError, SearchError
from bridle.job import sure
from bridle.job.choose import choose
from bridle.job.sure import how_sure, nested, outer_folds
from bridle.job.trainer import Trainer
from bridle.records import Mark

SMALL = {"trials": 2, "folds": 2, "seeds": 2, "workers": 1, "device": "cpu"}


@pytest.fixture
def watched(monkeypatch):
    """All members that are trained."""
    seen, work = [], Trainer.__call__

    def note(trainer, task):
        seen.extend(task.members)
        return work(trainer, task)

    monkeypatch.setattr(Trainer, "__call__", note)
    return seen


def test_the_optimism_comes_from_the_predictions_of_every_candidate(begin):
    job = begin(trials=4, search_seeds=2)
    chosen = choose(job)
    found = how_sure(job, chosen)
    assert found["optimism"].candidates == 4
    assert found["optimism"].left_out == 0
    assert found["optimism"].apparent == pytest.approx(chosen.winner.score, rel=1e-5)
    assert found["nested"] is None


def test_early_stopping_has_its_optimism_too(begin, patient):
    job = begin(patient)
    chosen = choose(job)
    assert any(outcome.stopped for item in chosen.candidates for outcome in item.outcomes)
    found = how_sure(job, chosen)["optimism"]
    assert (found.candidates, found.left_out) == (3, 0)
    assert found.apparent == pytest.approx(chosen.winner.score, rel=1e-5)


def test_without_predictions_there_is_no_optimism_and_a_finding_says_so(begin):
    job = begin()
    chosen = choose(job)
    for file in (job.workspace.folder / "members").glob("search-*.scored"):
        file.unlink()
    assert how_sure(job, chosen)["optimism"] is None
    assert [finding.name for finding in job.findings] == ["no_optimism"]
    assert "predictions of its folds were not kept" in job.findings[0].message


def test_the_folds_compare_the_choice_with_each_baseline(begin):
    job = begin(search_seeds=2)
    chosen = choose(job)
    comparisons = how_sure(job, chosen)["fold_comparisons"]
    assert [item.other for item in comparisons] == ["none", "adamw", "early stopping"]
    assert all(item.optimistic for item in comparisons)
    mine, others = member_scores(chosen.winner), member_scores(chosen.baselines[0])
    expected = [np.mean([others[fold, seed] - mine[fold, seed] for seed in (0, 1)]) for fold in (0, 1)]
    assert comparisons[0].difference.values == pytest.approx(expected)


def test_a_search_within_an_outer_fold_never_sees_its_rows(begin, watched):
    job = begin(nested=3, seeds=2)
    found = nested(job)
    trained = {number: [] for number in range(3)}
    for member in watched:
        trained[int(member.stage[5])].append(member)
    for fold, inner in outer_folds(job):
        own = fold.rows(Mark.SCORE)
        searching = [member for member in trained[fold.number] if not member.stage.endswith("refit")]
        assert searching
        for member in searching:
            assert (member.fold.marks[own] == Mark.OUT).all()
        refits = [member for member in trained[fold.number] if member.stage.endswith("refit")]
        assert len(refits) == 4 * 2
        assert all(list(member.fold.rows(Mark.SCORE)) == list(own) for member in refits)
        assert sorted({*inner.rows, *own}) == sorted(job.rows)
    sealed = np.setdiff1d(np.arange(60), job.rows)
    assert all((member.fold.marks[sealed] == Mark.OUT).all() for member in watched)
    assert job.sealed.openings == 0
    assert len(found.folds) == len(found.score.values) == 3


def test_an_outer_score_is_that_of_the_refitted_choice(begin):
    job = begin(nested=2, seeds=2)
    found = nested(job)
    for fold, inner in outer_folds(job):
        chosen = choose(inner)
        own = found.folds[fold.number]
        assert own.inner == chosen.winner.score
        assert own.active == chosen.winner.active
        recipe = chosen.recipes["chosen"]
        outcomes = [train(inner.member("again", 0, recipe, fold, seed), job.setting) for seed in (0, 1)]
        values = [outcome.curves.series["score"][-1] for outcome in outcomes]
        assert len(outcomes[0].curves.series["score"]) == chosen.winner.epoch
        assert own.values == pytest.approx(values)
        assert own.score == pytest.approx(np.mean(values))
    assert found.score.value == pytest.approx(np.mean([fold.score for fold in found.folds]))
    assert [item.other for item in found.comparisons] == ["none", "adamw", "early stopping"]
    assert not any(item.optimistic for item in found.comparisons)


def test_where_every_refit_fails_the_first_cause_is_told(begin, monkeypatch):
    job = begin(nested=2)

    def fail(member, setting):
        outcome = train(member, setting)
        return replace(outcome, failure="out of memory") if member.stage.endswith("refit") else outcome

    monkeypatch.setattr("bridle.job.trainer.train", fail)
    with pytest.raises(SearchError, match=r"Outer fold 0: every refit of the chosen recipe failed: out of memory"):
        nested(job)


@pytest.mark.slow
def test_a_nested_search_that_was_interrupted_goes_on(data, space, tmp_path, monkeypatch):
    undisturbed = bridle.fit(data, space, nested=2, out=tmp_path / "one", **SMALL)
    calls = []

    def interrupted(job):
        calls.append(job.prefix)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return choose(job)

    monkeypatch.setattr(sure, "choose", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bridle.fit(data, space, nested=2, out=tmp_path / "two", **SMALL)
    again = bridle.resume(tmp_path / "two")
    assert calls == ["outer0-", "outer1-"] * 2
    assert again.evidence.nested == undisturbed.evidence.nested
    assert again.evidence.optimism == undisturbed.evidence.optimism
    plain = json.loads((tmp_path / "two" / "evidence.json").read_text())
    assert plain["nested"]["folds"][1]["fold"] == 1
    assert {"optimism", "nested"} <= set(again.evidence.seconds)


@pytest.mark.slow
def test_a_search_alone_has_it_too_and_the_test_stays_sealed(data, space):
    found = bridle.search(data, space, nested=2, **SMALL).evidence
    assert found.openings == 0
    assert len(found.nested.folds) == 2
    assert found.optimism.candidates == 2


def test_nested_needs_something_to_search(data, space, tmp_path):
    with pytest.raises(SearchError, match="nested repeats a search, and nothing is free in this recipe"):
        bridle.fit(data, bridle.Recipe(bridle.L2(1e-4)), nested=2, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("nested", 1, r"nested must be 0 \(none\) or at least 2 outer folds; got 1\."),
        ("nested", -1, r"nested must be at least 0; got -1\."),
        ("search_seeds", 0, r"search_seeds must be at least 1; got 0\."),
    ],
)
def test_what_cannot_be_asked(data, space, option, value, message, tmp_path):
    with pytest.raises(SearchError, match=message):
        bridle.fit(data, space, out=tmp_path / "run", **{option: value})


def test_too_few_rows_for_folds_within_folds_are_refused_before_any_training(data, space, tmp_path, watched):
    inputs, targets = data
    targets = np.where(np.arange(60) < 7, 1, 0)
    with pytest.raises(DataError, match=r"class '1' has \d row\(s\) among the \d+ training rows"):
        bridle.fit((inputs, targets), space, nested=2, out=tmp_path / "run", **SMALL | {"folds": 4})
    assert not watched
