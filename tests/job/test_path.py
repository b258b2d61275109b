"""Paths of real searches on a small table."""

import numpy as np
import pytest

import bridle
from bridle.errors import SearchError
from bridle.job import path

SMALL = {"folds": 2, "strategy": "path", "workers": 1}
LINEAR = "bridle.models.linear:linear"


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(120, 5))
    return inputs, inputs @ np.array([2.0, -1.0, 0, 0, 0]) + 0.1 * generator.normal(size=120)


def space(low, high, **settings):
    training = bridle.Training(**{"optimizer": "sgd", "learning_rate": 0.05, "epochs": 10} | settings)
    return bridle.Recipe(bridle.L1(bridle.between(low, high)), training=training)


def strengths(found):
    return [item.dials["l1.strength"] for item in found.evidence.candidates]


def test_of_a_linear_network_it_goes_down_from_where_nothing_is_left(data):
    found = bridle.search(data, space(1e-3, 10.0), model=LINEAR, points=5, **SMALL)
    top, *_ = path_of = strengths(found)
    assert 1.0 < top < 2.2  # twice the covariance with the first input, in standard deviations of the target
    assert path_of == pytest.approx(np.geomspace(top, 1e-3, 5).tolist())
    assert [item.warm for item in found.evidence.candidates] == [None, 0, 1, 2, 3]
    first, last = found.evidence.candidates[0], found.evidence.candidates[-1]
    assert first.outcomes[0].curves.series["penalty"][-1] == 0.0
    assert last.score < first.score / 2


def test_of_a_deep_network_it_goes_up_to_where_nothing_is_left(data, monkeypatch):
    """The strength is doubled in short trainings; a dead network does no better than the mean."""
    found = bridle.search(data, space(1e-3, 1e4, learning_rate=0.01), points=3, **SMALL)
    low, _, top = strengths(found)
    assert low == 1e-3
    assert top in 1e-3 * 2.0 ** np.arange(5, 23)
    assert found.evidence.candidates[2].outcomes[0].curves.series["penalty"][-1] == 0.0
    assert found.evidence.candidates[0].outcomes[0].curves.series["penalty"][-1] > 0.0


def test_a_penalty_without_zeros_has_the_ends_of_its_range(data):
    ridge = bridle.Recipe(bridle.L2(bridle.between(1e-4, 1.0)), training=bridle.Training(epochs=2))
    found = bridle.search(data, ridge, model=LINEAR, points=3, **SMALL)
    assert [item.dials["l2.strength"] for item in found.evidence.candidates] == pytest.approx([1.0, 1e-2, 1e-4])


def test_choices_are_taken_as_they_are(data):
    chosen = bridle.Recipe(bridle.L1(bridle.choice(1e-3, 5.0, 0.1)), training=bridle.Training(epochs=2))
    assert strengths(bridle.search(data, chosen, model=LINEAR, **SMALL)) == [5.0, 0.1, 1e-3]


def test_the_learning_rate_is_that_of_the_baselines(data):
    free = space(1e-3, 1e-1, learning_rate=bridle.between(1e-3, 1e-1), epochs=2)
    found = bridle.search(data, free, model=LINEAR, points=2, **SMALL)
    rates = {item.dials["training.learning_rate"] for item in found.evidence.candidates}
    (plain,) = [item for item in found.evidence.baselines if item.name == "none"]
    assert rates == {plain.dials["training.learning_rate"]}


def test_points_and_trials_set_the_number_of_strengths(data):
    assert len(strengths(bridle.search(data, space(1e-3, 1e-1, epochs=1), model=LINEAR, points=4, **SMALL))) == 4
    found = bridle.search(data, space(1e-3, 1e-1, epochs=1), model=LINEAR, trials=3, **SMALL)
    assert [min(strengths(found)), max(strengths(found))] == [1e-3, 1e-1]
    assert len(strengths(found)) == 3
    assert path.POINTS == 20


def test_a_range_in_which_nothing_is_left_is_refused(data):
    with pytest.raises(
        SearchError, match=r"No weight in the scope of l1 is left from l1\.strength = .* on, and the ra"
    ):
        bridle.search(data, space(50.0, 100.0, epochs=1), model=LINEAR, **SMALL)


def test_the_refit_walks_the_path(data, tmp_path):
    """With few epochs each, the weights of one step are those of all steps before it."""
    asked = {"model": LINEAR, "points": 4, "seeds": 1, "select": "best"}
    run = bridle.fit(data, space(1e-4, 10.0, epochs=3, learning_rate=0.01), out=tmp_path / "run", **asked, **SMALL)
    choice = run.evidence.choice.number
    assert choice == 3
    alone = bridle.fit(data, run.recipe, model=LINEAR, out=tmp_path / "alone", workers=1)
    scores = [item.evidence.tested[0].metrics["rmse"].value for item in (run, alone)]
    assert scores[0] < 0.8 * scores[1]
    assert scores[0] == pytest.approx(run.evidence.candidates[choice].score, rel=0.3)
