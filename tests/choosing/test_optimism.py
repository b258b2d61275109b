"""The optimism of the best of many, against truths that are known because the predictions are drawn."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from bridle.choosing import optimism as module
from bridle.choosing.optimism import optimism
from bridle.choosing.scoring import candidate
from bridle.choosing.selection import select
from bridle.core import Recipe
from bridle.metrics import catalogue
from bridle.records import Curves, Outcome
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2

MAE, ACCURACY, AUC, BALANCED = (catalogue.find(name) for name in ("mae", "accuracy", "roc_auc", "balanced_accuracy"))
RECIPES = (Recipe(), Recipe(L2(1e-4)), Recipe(L2(1e-4), Dropout(rate=0.2)))
REPETITIONS = 200


# A nominal interval covers so many times of 200, but for one time in a thousand: 178 to 199.
LEAST, MOST = scipy.stats.binom.interval(0.999, REPETITIONS, 0.95)


class Tried:
    """Candidates whose members predicted ``predicted_CFEN``: numbers for the rows of each fold, epoch by epoch."""

    def __init__(self, predicted_CFEN, targets=None, metric=MAE, recipes=RECIPES[1:2], clean=None, weights=None):
        many, folds, _, rows = np.shape(predicted_CFEN)[:4]
        self.metric, self.weights = metric, weights
        self.targets = np.zeros(folds * rows) if targets is None else targets
        self.predicted = {}
        self.candidates = []
        for number in range(many):
            outcomes = []
            for fold in range(folds):
                places = np.arange(fold * rows, (fold + 1) * rows)
                self.predicted[number, fold] = (places, np.asarray(predicted_CFEN[number][fold]))
                curve = [self.value(number, fold, epoch) for epoch in range(len(predicted_CFEN[number][fold]))]
                cleans = curve if clean is None else [clean[number]] * len(curve)
                outcomes.append(outcome_of(number, fold, curve, cleans))
            recipe = recipes[number % len(recipes)]
            self.candidates.append(candidate(number, f"trial {number}", recipe, {}, outcomes, metric.higher_is_better))

    def value(self, number, fold, epoch):
        rows, predicted = self.predicted[number, fold]
        predicted = predicted.astype(float)
        weights = None if self.weights is None else self.weights[rows]
        return self.metric(self.targets[rows], predicted[epoch], weights)

    def read(self, outcome):
        return self.predicted.get((outcome.candidate, outcome.fold))

    def choice(self, rule="best"):
        return select(self.candidates, rule, higher_is_better=self.metric.higher_is_better)

    def optimism(self, rule="best", seed=0, choice=None):
        chosen = choice or self.choice(rule)
        return optimism(self.candidates, chosen, self.read, self.metric, self.targets, self.weights, seed=seed)


def outcome_of(number, fold, curve, clean, **more):
    return Outcome(number, fold, 0, Curves({"score": list(curve), "clean": list(clean)}), **more)


def errors(rng, many=20, folds=5, epochs=1, rows=40, shared=0.0, better=0.0):
    """Absolute errors with mean 10, of which rows share a part; the first candidate is better by so much."""
    mean = 10 + shared * rng.normal(size=(1, folds, 1, rows))
    drawn = mean + rng.normal(size=(many, folds, epochs, rows))
    drawn[0] -= better
    return drawn


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "RESAMPLES", 300)


def test_of_equal_recipes_the_optimism_is_that_of_the_least_of_so_many(quick):
    rng = np.random.default_rng(0)
    found = [Tried(errors(rng, many=10, rows=20)).optimism(seed=at) for at in range(REPETITIONS)]
    # The least of 10 means of 100 rows: 1.539 standard deviations of 1 / sqrt(100).
    truth = -scipy.integrate.quad(lambda z: z * 10 * scipy.stats.norm.pdf(z) * scipy.stats.norm.sf(z) ** 9, -9, 9)[0]
    apparent = np.array([item.apparent for item in found])
    assert 10 - apparent.mean() == pytest.approx(truth / np.sqrt(100), rel=0.05)
    optimisms = np.array([item.optimism for item in found])
    assert optimisms.mean() == pytest.approx(truth / np.sqrt(100), rel=0.05)
    corrected = np.array([item.corrected.value for item in found])
    assert abs(corrected.mean() - 10) < 3 * scipy.stats.sem(corrected)


def test_choosing_the_epoch_is_optimistic_too(quick):
    rng = np.random.default_rng(1)
    found = [Tried(errors(rng, many=4, epochs=8)).optimism(seed=at) for at in range(100)]
    corrected = np.array([item.corrected.value for item in found])
    assert np.mean([item.optimism for item in found]) > 0.1
    assert abs(corrected.mean() - 10) < 3 * scipy.stats.sem(corrected)
    assert {item.epochs for item in found} == {8}


def test_one_that_is_far_better_is_chosen_without_optimism(quick):
    rng = np.random.default_rng(2)
    found = [Tried(errors(rng, better=3.0)).optimism(seed=at) for at in range(50)]
    assert abs(np.mean([item.optimism for item in found])) < 0.005
    assert abs(np.mean([item.corrected.value for item in found]) - 7.0) < 0.05


@pytest.mark.parametrize(
    ("shared", "rule"),
    [
        (4.0, "one-se"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((4.0, "best"), (1.0, "best"), (1.0, "one-se"))),
        pytest.param(0.0, "best", marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(quick, shared, rule):
    rng = np.random.default_rng(3)
    covered = 0
    for repetition in range(REPETITIONS):
        found = Tried(errors(rng, many=8, shared=shared), recipes=RECIPES).optimism(rule, repetition).corrected
        covered += found.low <= 10 <= found.high
    # Where recipes share nothing, it covers more often.
    assert LEAST <= covered <= (MOST if shared else REPETITIONS)


@pytest.mark.parametrize("metric", [ACCURACY, AUC, BALANCED], ids=lambda metric: metric.name)
def test_other_metrics_lose_their_optimism_too(quick, metric, monkeypatch):
    monkeypatch.setattr(module, "FEWEST", 50)
    monkeypatch.setattr(module, "OTHER_WORK", 1)  # the least work that is ever done
    rng = np.random.default_rng(4)
    found = []
    for repetition in range(40):
        targets = np.tile([0, 1], 100)
        first = rng.random((6, 2, 1, 100))
        found.append(Tried(np.stack([1 - first, first], -1), targets, metric).optimism(seed=repetition))
    corrected = np.array([item.corrected.value for item in found])
    assert np.mean([item.optimism for item in found]) > 0.02
    assert abs(corrected.mean() - 0.5) < 3 * scipy.stats.sem(corrected)


@pytest.mark.parametrize("rule", ["best", "one-se"])
@pytest.mark.parametrize("metric", [MAE, ACCURACY], ids=lambda metric: metric.name)
def test_a_resample_chooses_as_the_selection_does(rule, metric):
    rng = np.random.default_rng(5)
    chosen = set()
    for _ in range(30):
        predicted, targets = errors(rng, many=9, epochs=3, rows=12), None
        if metric is ACCURACY:
            targets = rng.integers(2, size=60)
            predicted = rng.random((9, 5, 3, 12, 2))
        tried = Tried(predicted, targets, metric, RECIPES, clean=rng.normal(size=9))
        scoring = module._Scoring(tried.read, metric, tried.targets, None)
        every = {fold: np.ones((12, 1)) for fold in range(5)}
        options = [(item, module._options(item, 16, scoring, every)) for item in tried.candidates]
        (place,) = module._picked(options, rule, metric)
        assert tried.candidates[place].number == tried.choice(rule).number
        assert options[place][1].epochs_R[0] + 1 == tried.candidates[place].epoch
        chosen.add(int(place))
    assert len(chosen) > 3


def test_rows_are_weighted():
    rng = np.random.default_rng(6)
    predicted = errors(rng, many=3, rows=50)
    weights = np.tile(np.repeat([1.0, 0.0], 25), 5)
    found = Tried(predicted, weights=weights).optimism()
    half = Tried(predicted[:, :, :, :25]).optimism()
    assert found.apparent == pytest.approx(half.apparent)
    assert found.corrected.value == pytest.approx(half.corrected.value, abs=0.02)


def test_what_lacks_predictions_or_failed_is_left_out_and_said(quick):
    rng = np.random.default_rng(7)
    tried = Tried(errors(rng, many=6, better=1.0))
    del tried.predicted[3, 2]
    failed = outcome_of(6, 0, [], [], failure="out of memory")
    tried.candidates.append(candidate(6, "trial 6", RECIPES[0], {}, [failed], False))
    found = tried.optimism()
    assert (found.candidates, found.left_out) == (5, 2)
    del tried.predicted[0, 1]
    assert tried.optimism() is None


def test_what_early_stopping_ended_carries_its_restored_epoch_on(quick):
    rng = np.random.default_rng(8)
    whole = errors(rng, many=1, epochs=4)
    whole[:, 0, 2:] = whole[:, 0, :1]
    tried, stopped = Tried(whole), Tried(whole)
    rows, predicted = stopped.predicted[0, 0]
    stopped.predicted[0, 0] = (rows, predicted[:2])
    (item,) = stopped.candidates
    short = outcome_of(0, 0, item.outcomes[0].curves.series["score"][:2], [9.0, 9.0], stopped=1)
    stopped.candidates = [candidate(0, "trial 0", RECIPES[0], {}, (short, *item.outcomes[1:]), False)]
    assert stopped.optimism() == tried.optimism()


def test_of_a_long_curve_a_few_epochs_are_tried_its_own_among_them(outcome):
    for own in (0, 1, 17, 48, 49):
        curve = np.ones(50)
        curve[own] = 0.5
        item = candidate(0, "trial 0", RECIPES[0], {}, [outcome(curve), outcome(curve, fold=1)], False)
        tried = module._tried_epochs(item, 16)
        assert own in tried
        assert len(tried) == 16
        assert max(np.diff(tried)) <= 5
        assert module._tried_epochs(item, 1) == [own]


@pytest.mark.parametrize(
    ("metric", "many", "rows", "expected"),
    [
        (MAE, 2, 100, (1000, 16)),
        (MAE, 60, 2000, (520, 16)),
        (MAE, 1000, 2000, (250, 2)),
        (BALANCED, 10, 100, (625, 16)),
        (BALANCED, 40, 100, (208, 6)),
    ],
)
def test_the_work_is_limited(outcome, metric, many, rows, expected):
    outcomes = [outcome(np.ones(30), fold=0), *([outcome(np.ones(30), fold=1)] if many > 10 else [])]
    item = candidate(0, "trial 0", RECIPES[0], {}, outcomes, False)
    assert module._limits([item] * many, metric, {0: rows, 1: rows}) == expected


def test_equal_seeds_give_equal_estimates(quick):
    tried = Tried(errors(np.random.default_rng(9)))
    assert tried.optimism(seed=1) == tried.optimism(seed=1) != tried.optimism(seed=2)


def test_with_too_few_rows_for_the_metric_there_is_none(quick):
    rng = np.random.default_rng(10)
    first = rng.random((3, 2, 1, 2))
    tried = Tried(np.stack([1 - first, first], -1), np.tile([0, 1], 2), AUC)
    assert tried.optimism() is None
