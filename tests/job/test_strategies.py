"""Strategies by their names, and what does not fit them: refused before anything is trained."""

import numpy as np
import pytest

import bridle
from bridle.errors import SearchError

SPACE = bridle.Recipe(
    bridle.L2(bridle.between(1e-6, 1e-2)),
    bridle.Dropout(bridle.choice(0.1, 0.5)),
    training=bridle.Training(epochs=9, batch_size=32),
)


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(60, 3))
    return inputs, np.where(inputs[:, 0] > 0, "yes", "no")


@pytest.mark.parametrize(
    ("strategy", "options", "tried"),
    [
        ("random", {"trials": 3}, 3),
        ("grid", {"points": 2}, 4),
        ("halving", {"budget": "7 trials"}, 7),
        ("hyperband", {"budget": "70 epochs"}, 9 + 2),
    ],
)
def test_each_tries_what_it_should(data, strategy, options, tried):
    found = bridle.search(data, SPACE, folds=2, workers=1, strategy=strategy, **options)
    assert len(found.evidence.candidates) == tried
    assert found.evidence.command["strategy"] == strategy
    chosen = found.evidence.candidates[found.choice.number]
    assert chosen.until == 0
    dropped = [item for item in found.evidence.candidates if item.until]
    assert bool(dropped) == (strategy in ("halving", "hyperband"))
    assert all(outcome.curves.epochs == item.until for item in dropped for outcome in item.outcomes)
    trained = sum(outcome.curves.epochs for item in found.evidence.candidates for outcome in item.outcomes)
    assert strategy != "hyperband" or trained == 2 * (9 * 1 + 3 * 2 + 1 * 6) + 2 * (2 * 3 + 1 * 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "anneal"}, r"strategy must be one of tpe, random, grid, .*; got 'anneal'"),
        ({"strategy": "path"}, r"A path goes along one dial of one penalty.* Free are l2\.strength, dropout\.rate"),
        ({"points": 3}, r"points is for the strategies grid and path; got strategy 'tpe'"),
        ({"strategy": "grid", "points": 6000}, r"A grid over 2 free dials has up to 12,000 recipes"),
        (
            {"budget": "17 epochs", "folds": 2},
            r"A budget of 17 epochs is too small for one recipe, which takes up to 18",
        ),
        ({"budget": "2 trials", "trials": 3}, r"trials = 3 and budget = '2 trials' say the same twice"),
        ({"repeats": 0}, r"repeats must be at least 1; got 0"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(data, options, message, tmp_path, monkeypatch):
    monkeypatch.setattr("bridle.engine.train.train", None)
    with pytest.raises(bridle.errors.BridleError, match=message):
        bridle.fit(data, SPACE, out=tmp_path / "run", workers=1, **options)
    assert not (tmp_path / "run").exists()


def test_repeated_folds_divide_anew(data):
    found = bridle.search(data, SPACE, folds=2, repeats=3, trials=1, workers=1)
    assert [outcome.fold for outcome in found.evidence.candidates[0].outcomes] == list(range(6))


def test_if_all_recipes_fail_the_first_cause_is_told_with_its_fold(data):
    """SGD with a rate beyond all reason."""
    wild = bridle.Recipe(
        bridle.L2(bridle.between(1e-6, 1e-2)),
        training=bridle.Training(optimizer="sgd", learning_rate=1e30, epochs=1),
    )
    with pytest.raises(
        SearchError, match=r"All \d tried recipes failed; the first cause \(.*\): fold 0, seed 0: .* became"
    ):
        bridle.search(data, wild, folds=2, trials=2, workers=1)
