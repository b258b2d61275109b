import numpy as np
import pytest

import bridle
from bridle.engine import scored
from bridle.errors import RunError, SearchError
from bridle.job import model_file
from bridle.job.choose import choose
from bridle.job.ensemble import load_ensemble, train_ensemble
from bridle.job.workspace import Workspace
from bridle.records import Mark

SMALL = {"folds": 3, "seeds": 2, "workers": 1, "device": "cpu"}


@pytest.fixture
def run(data, tmp_path):
    recipe = bridle.Recipe(bridle.L2(1e-4), training=bridle.Training(epochs=2))
    return bridle.fit(data, recipe, ensemble=True, out=tmp_path / "run", **SMALL)


def test_its_members_are_those_of_the_search_at_the_chosen_epoch(begin):
    job = begin(trials=4)
    chosen = choose(job)
    winner = chosen.winner
    networks = train_ensemble(job, chosen.recipes["chosen"])
    for fold, network in zip(job.folds(), networks, strict=True):
        member = job.member("search", winner.number, chosen.tried[winner.number], fold, 0)
        rows, predicted = scored.read(member, job.setting)
        np.testing.assert_array_equal(rows, fold.rows(Mark.SCORE))
        # The search predicts with many networks at once, which rounds differently in the last bit of a float32.
        np.testing.assert_allclose(network.predict(job.dataset, rows), predicted[winner.epoch - 1], rtol=0, atol=1e-6)


def test_it_predicts_by_the_mean_of_its_members(run, data):
    workspace = Workspace(run.folder)
    networks = [model_file.load(workspace, stem=f"ensemble/model-{place}")[0] for place in range(3)]
    dataset = bridle.data.load.load((data[0], None), bridle.data.options.Options(), model_file.load(workspace)[1])
    single = [network.predict(dataset) for network in networks]
    assert not np.array_equal(single[0], single[1])
    found = run.predict(data[0], ensemble=True)
    np.testing.assert_allclose(found.probabilities, np.mean(single, axis=0), rtol=1e-12)
    assert not np.array_equal(found.probabilities, run.predict(data[0]).probabilities)
    assert list(found.prediction) == [found.classes[code] for code in found.probabilities.argmax(1)]
    again = bridle.load(run.folder).predict(data[0], ensemble=True)
    np.testing.assert_array_equal(again.probabilities, found.probabilities)


def test_it_is_tested_beside_the_chosen_recipe(run):
    tested = {item.name: item for item in run.evidence.tested}
    comparison = next(item for item in run.evidence.comparisons if item.other == "ensemble")
    chosen, ensemble = (tested[name].metrics["log_loss"] for name in ("chosen", "ensemble"))
    assert len(ensemble.values) == 1
    assert comparison.difference.value == pytest.approx(ensemble.value - chosen.value)
    assert len(comparison.difference.values) == 2
    assert (run.folder / "report.html").is_file()


@pytest.mark.slow
def test_a_searched_recipe_may_have_one(data, space, tmp_path):
    run = bridle.fit(data, space, ensemble=True, trials=1, out=tmp_path / "run", **SMALL | {"folds": 2, "seeds": 1})
    assert [item.name for item in run.evidence.tested][-2:] == ["floor", "ensemble"]
    assert len(load_ensemble(Workspace(run.folder))[0]) == 2


def test_a_run_without_one_says_how_to_have_it(data, tmp_path):
    recipe = bridle.Recipe(training=bridle.Training(epochs=1))
    run = bridle.fit(data, recipe, out=tmp_path / "run", workers=1, device="cpu")
    with pytest.raises(RunError, match=r"keeps no ensemble\. Fit again with ensemble=True, or --ensemble\."):
        run.predict(data[0], ensemble=True)


def test_a_member_that_was_changed_is_refused(run, data):
    file = run.folder / "ensemble" / "model-1.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"does not match the digest in ensemble/model-1\.json"):
        run.predict(data[0], ensemble=True)


def test_a_member_that_fails_is_told(begin):
    job = begin()
    recipe = bridle.Recipe(training=bridle.Training(epochs=1, learning_rate=1e30, optimizer="sgd"))
    with pytest.raises(SearchError, match=r"The ensemble's member of fold 0 failed: "):
        train_ensemble(job, recipe)
