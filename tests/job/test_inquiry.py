"""What is asked beyond the choice, from the public calls: on small tables, with what was planted in them."""

import dataclasses

import numpy as np
import polars as pl
import pytest

import bridle
from bridle.choosing.attribution import subsets
from bridle.errors import DataError, RecipeError, SearchError
from bridle.records import Mark

FEW = {"device": "cpu", "workers": 1, "folds": 2}
LINEAR = "bridle.models.linear:linear"


def table(rows=120, noise=20, seed=0):
    """Two columns decide, ``noise`` others do not: a linear model overfits, L2 helps it."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 2 + noise)).astype(np.float32)
    return x, np.where(x[:, 0] - x[:, 1] + 0.8 * random.normal(size=rows) > 0, "yes", "no")


def training(**more):
    return bridle.Training(**{"epochs": 15, "learning_rate": 0.05, "batch_size": 32, "schedule": "constant"} | more)


STRONG = bridle.Recipe(bridle.L2(0.3), bridle.GradientNoise(1e-6), training=training(learning_rate=0.3))


@pytest.fixture(scope="module")
def attributed():
    return bridle.attribute(table(), STRONG, seeds=2, model=LINEAR, **FEW)


def test_a_useful_regularizer_is_needed_and_an_idle_one_is_not(attributed):
    assert attributed.kept == ("l2",)
    useful, idle = attributed.worths
    assert useful.needed
    assert useful.worth.low > 0
    assert idle.needed is False
    assert idle.worth.low <= 0
    assert attributed.pruned.low <= 0 <= attributed.pruned.high
    assert (attributed.splits, attributed.seeds, attributed.fresh) == (4, 2, True)
    assert not attributed.applied


def test_every_subset_was_trained_on_every_split(attributed):
    names = [item.name for item in attributed.worths]
    assert {frozenset(part.active) for part in attributed.sub_recipes} == set(subsets(names))
    assert all(len(part.scores) == 4 and part.epoch >= 1 for part in attributed.sub_recipes)
    both = sum(np.array(item.shapley.values) for item in attributed.worths)
    np.testing.assert_allclose(both, attributed.together.values, atol=1e-12)
    scores = {part.active: np.array(part.scores) for part in attributed.sub_recipes}
    np.testing.assert_allclose(scores[()] - scores[(*names,)], attributed.together.values, atol=1e-12)


def test_in_time_order_the_one_division_is_trained_with_every_seed():
    x, y = table()
    frame = pl.DataFrame(x).with_columns(kind=pl.Series(y), day=pl.Series(np.arange(len(y))))
    recipe = bridle.Recipe(bridle.L2(0.3), training=training(epochs=2))
    found = bridle.attribute((frame, "kind"), recipe, seeds=2, time="day", model=LINEAR, **FEW)
    assert (found.splits, found.seeds, found.fresh) == (2, 2, False)
    assert len(found.sub_recipes[0].scores) == 2


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return bridle.fit(table(), STRONG, prune=True, model=LINEAR, out=folder, **FEW)


def test_prune_drops_what_is_not_needed_and_says_so(pruned):
    assert pruned.recipe.active == ("l2",)
    found = pruned.evidence.attribution
    assert found.applied
    assert found.kept == ("l2",)
    best = next(part.epoch for part in found.sub_recipes if part.active == ("l2",))
    assert pruned.recipe.training.stop_after == best
    assert pruned.evidence.tested[0].outcomes[0].curves.epochs == best
    assert "The final recipe was trained without gradient noise" in (pruned.folder / "report.html").read_text("utf-8")
    assert pruned.evidence.seconds["attribution"] > 0


def test_what_was_asked_is_the_same_from_the_command_line_and_from_python(pruned):
    alone = bridle.attribute(table(), STRONG, model=LINEAR, **FEW)
    assert alone == dataclasses.replace(pruned.evidence.attribution, applied=False)


def test_a_search_can_be_asked_everything(tmp_path):
    x, y = table()
    space = bridle.Recipe(
        bridle.L1(bridle.choice(1e-2, 2e-2), scope="first_layer"), bridle.Dropout(0.0), training=training(epochs=3)
    )
    run = bridle.fit(
        (x[:, :5], y),
        space,
        trials=2,
        seeds=1,
        attribute=True,
        learning_curve=True,
        stability=True,
        model=plain_net,
        out=tmp_path / "run",
        **FEW,
    )
    found = run.evidence
    assert [item.name for item in found.attribution.worths] == ["l1"]
    assert run.recipe.active == ("l1", "dropout")  # asked, but not pruned
    assert [round(point.rows) for point in found.learning_curve.points] == [6, 12, 24, 36, 48]
    assert len(found.stability.features) == 5
    assert bridle.load(run.folder).evidence == found


class Interrupting:
    """Ctrl-C in the middle of a stage."""

    def __init__(self, stage):
        self._awaited, self._stage, self._steps = stage, "", 0

    def stage(self, name, total):
        self._stage = name

    def advance(self, steps=1, note=""):
        self._steps += self._stage == self._awaited
        if self._steps == 3:
            raise KeyboardInterrupt

    def say(self, text):
        pass


@pytest.mark.parametrize("stage", ["attribution", "refit"])
def test_an_interrupted_run_goes_on_to_the_same_attribution(pruned, tmp_path, stage):
    with pytest.raises(KeyboardInterrupt):
        bridle.fit(
            table(),
            STRONG,
            prune=True,
            seeds=3,
            model=LINEAR,
            out=tmp_path / "run",
            progress=Interrupting(stage),
            **FEW,
        )
    resumed = bridle.resume(tmp_path / "run", model=LINEAR)
    assert resumed.evidence.attribution == pruned.evidence.attribution
    assert resumed.recipe == pruned.recipe


def plain_net(example, outputs):
    from torch import nn

    return nn.Sequential(nn.Linear(len(example), 4), nn.ReLU(), bridle.Place(), nn.Linear(4, outputs))


def test_after_a_search_a_question_without_an_answer_costs_a_finding_only(tmp_path):
    space = bridle.Recipe(training=training(epochs=2, learning_rate=bridle.choice(0.01, 0.02)))
    run = bridle.fit(
        table(), space, trials=2, seeds=1, attribute=True, stability=True, model=LINEAR, out=tmp_path / "run", **FEW
    )
    found = {finding.name: finding.message for finding in run.evidence.findings}
    assert "has no regularizer that is on" in found["no_attribution"]
    assert "No penalty of the recipe sets weights" in found["no_stability"]
    assert run.evidence.attribution is None


@pytest.fixture(scope="module")
def curve():
    recipe = bridle.Recipe(
        bridle.L2(0.1), bridle.EarlyStopping(patience=1), training=training(epochs=4, learning_rate=0.01)
    )
    return bridle.learning_curve(table(rows=400), recipe, model=LINEAR, **FEW)


def test_more_rows_help_a_model_that_overfits(curve):
    assert [round(point.rows) for point in curve.points] == [20, 40, 80, 120, 160]
    scores = [point.score.value for point in curve.points]
    assert scores[0] > scores[2] > scores[4]
    assert curve.law.scale > 0
    assert curve.gain.value > 0
    assert curve.rows == 320
    assert curve.doubled.value < scores[4]
    assert curve.splits == 4
    assert 4 < curve.points[0].epoch <= 32  # few rows are seen as often as many, epoch after epoch


def sparse(rows=160, seed=1):
    """Three numbers and one category decide, six numbers do not."""
    random = np.random.default_rng(seed)
    values = {f"x{number}": random.normal(size=rows) for number in range(9)}
    colour = random.choice(["red", "green", "blue"], rows)
    signal = 2 * values["x0"] - 2 * values["x1"] + 2 * values["x2"] + 3.0 * (colour == "red") - 1
    return pl.DataFrame(values | {"colour": colour, "price": signal + 0.5 * random.normal(size=rows)})


def test_true_features_are_stable_under_l1():
    recipe = bridle.Recipe(
        bridle.L1(0.15, scope="first_layer"), training=training(epochs=6, learning_rate=0.1, closing=200)
    )
    found = bridle.stability((sparse(), "price"), recipe, **FEW)
    assert set(found.stable) == {"x0", "x1", "x2", "colour"}
    by_name = dict(zip(found.features, found.frequencies, strict=True))
    assert min(by_name[name] for name in found.stable) > 0.95
    assert max(by_name[f"x{number}"] for number in range(3, 9)) < 0.6
    assert found.pairs == 50
    assert found.bound == pytest.approx(min(10, found.mean_selected**2 / (0.8 * 10)))


@pytest.mark.slow
def test_true_features_are_stable_on_the_path_of_the_hierarchical_lasso():
    found = bridle.stability((sparse(), "price"), count=4, **FEW)
    assert set(found.stable) == {"x0", "x1", "x2", "colour"}
    assert found.mean_selected <= 4


def test_halves_are_of_training_rows_only_and_draws_are_keyed(monkeypatch):
    seen = []

    def watched(dataset, fold, *_):
        seen.append(fold)
        return (dataclasses.make_dataclass("Step", ["features"])((int(fold.marks[0] == Mark.TRAIN),)),)

    monkeypatch.setattr("bridle.job.stability.train_path", watched)
    found = bridle.stability((sparse(), "price"), **FEW)
    assert len(seen) == 100
    assert [fold.number for fold in seen] == list(range(100))
    used = set(seen[0].rows(Mark.TRAIN, Mark.WATCH)) | set(seen[1].rows(Mark.TRAIN, Mark.WATCH))
    assert len(used) == 128
    assert sum(found.frequencies) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bridle.attribute(table(), bridle.Recipe(bridle.L2(0.0))),
            SearchError,
            "has no regularizer that is on",
        ),
        (
            lambda: bridle.attribute(table(), bridle.Recipe(bridle.L2(bridle.between(1e-3, 1)))),
            SearchError,
            r"l2\.strength is free in this recipe: give each a value, or let bridle\.fit choose first",
        ),
        (lambda: bridle.attribute(table(), STRONG, seeds=0), SearchError, "seeds must be at least 1; got 0"),
        (
            lambda: bridle.learning_curve(table(), STRONG, shares=(0.5, 1.0)),
            SearchError,
            r"shares must be three or more, ascending in \(0, 1\] and end with 1; got \[0.5, 1.0\]",
        ),
        (lambda: bridle.learning_curve(table(30), STRONG, **FEW), DataError, "the smallest part of the learning curve"),
        (lambda: bridle.stability(table(), STRONG, model=LINEAR), RecipeError, "No penalty of the recipe sets"),
        (lambda: bridle.stability(table(), pairs=10), SearchError, "at least 50 pairs of halves; got 10"),
        (lambda: bridle.stability(table(), count=30), SearchError, "count must be a whole number from 1 to 22"),
        (lambda: bridle.stability(table(), STRONG, count=3), SearchError, "count is for the path of the hierarchical"),
        (lambda: bridle.stability("digits"), DataError, "features survive in tables only; this is image data"),
        (lambda: bridle.stability(table(8)), DataError, "a half of the training rows holds"),
    ],
)
def test_what_cannot_be_asked_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"attribute": True}, "has no regularizer that is on"),
        ({"learning_curve": True}, "the smallest part of the learning curve"),
        ({"stability": True}, "No penalty of the recipe sets weights"),
    ],
)
def test_a_fit_refuses_it_before_anything_is_trained(asked, message, tmp_path):
    with pytest.raises((SearchError, DataError, RecipeError), match=message):
        bridle.fit(table(30), bridle.Recipe(), model=LINEAR, out=tmp_path / "run", **asked, **FEW)
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_fails_is_an_error():
    recipe = bridle.Recipe(bridle.L2(1e-3), training=training(optimizer="sgd", learning_rate=1e30, epochs=2))
    with pytest.raises(SearchError, match="The recipe itself failed on the splits"):
        bridle.attribute(table(), recipe, seeds=1, **FEW)
    with pytest.raises(SearchError, match=r"The learning curve failed on 0\.125 of the training rows"):
        bridle.learning_curve(table(), recipe, seeds=1, **FEW)


@pytest.mark.slow
def test_an_idle_regularizer_is_called_not_needed_19_times_of_20():
    """Gradient noise of a millionth changes the rounding and nothing else."""
    kept = []
    noisy = training(learning_rate=0.3, epochs=10)
    recipe = bridle.Recipe(bridle.L2(0.3), bridle.GradientNoise(1e-6), training=noisy)
    for seed in range(20):
        data = table(300, noise=100, seed=seed)
        found = bridle.attribute(data, recipe, seeds=3, seed=seed, model=LINEAR, **FEW | {"folds": 5})
        kept += found.kept
    assert kept.count("gradient_noise") <= 1
    assert kept.count("l2") >= 19
