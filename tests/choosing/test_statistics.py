import time

import numpy as np
import pytest
import scipy.stats

from bridle.choosing.statistics import bootstrap, corrected_t, paired_difference
from bridle.errors import SearchError
from bridle.metrics import catalogue
from bridle.records import Estimate

MAE, ACCURACY, AUC = (catalogue.find(name) for name in ("mae", "accuracy", "roc_auc"))


def errors(rng, rows=150, seeds=5, of_rows=1.0, of_seeds=0.0, noise=0.3):
    """Absolute errors with mean 10, of which rows and seeds each have a part, one array per seed."""
    mean = 10 + of_rows * rng.normal(size=rows) + of_seeds * rng.normal(size=(seeds, 1))
    return list(mean + noise * rng.normal(size=(seeds, rows)))


def votes(rng, rows, right):
    """Targets, and probabilities that are right for that share of the rows."""
    targets = rng.integers(2, size=rows)
    called = np.where(rng.random(rows) < right, targets, 1 - targets)
    return targets, np.eye(2)[called] * 0.8 + 0.1


def test_the_value_is_the_mean_over_seeds():
    targets = np.zeros(4)
    found = bootstrap([np.array([1.0, 1, 1, 1]), np.array([2.0, 2, 2, 4])], MAE, targets, seed=0)
    assert found.values == (1.0, 2.5)
    assert found.value == 1.75


def test_with_one_seed_it_is_scipys_percentile_bootstrap():
    (sample,) = errors(np.random.default_rng(0), seeds=1)
    found = bootstrap([sample], MAE, np.zeros(len(sample)), seed=1)
    expected = scipy.stats.bootstrap(
        (sample,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    error = sample.std() / np.sqrt(len(sample))
    np.testing.assert_allclose([found.low, found.high], expected, atol=0.2 * error)


def test_many_rows_that_decide_give_the_normal_interval():
    draws = errors(np.random.default_rng(0), rows=2000, noise=0.0)
    found = bootstrap(draws, MAE, np.zeros(2000), seed=1)
    reach = 1.96 * draws[0].std() / np.sqrt(2000)
    np.testing.assert_allclose([found.low, found.high], [found.value - reach, found.value + reach], atol=0.1 * reach)


def test_weights_count_as_rows():
    rng = np.random.default_rng(0)
    found = bootstrap(errors(rng), MAE, np.zeros(150), np.repeat([1.0, 0.0], 75), seed=1)
    half = bootstrap([part[:75] for part in errors(np.random.default_rng(0))], MAE, np.zeros(75), seed=1)
    assert found.values == pytest.approx(half.values)
    assert found.high - found.low == pytest.approx(half.high - half.low, rel=0.2)


def test_an_interval_stays_where_the_metric_can_be():
    targets = np.arange(100) % 2
    sure = np.eye(2)[targets]
    slip = sure.copy()
    slip[0] = slip[0, ::-1]
    found = bootstrap([sure, sure, slip, sure, sure], ACCURACY, targets, seed=0)
    assert 0.98 < found.low < found.value < found.high <= 1.0


def test_what_is_always_the_same_has_no_width():
    assert bootstrap([np.ones(9)] * 3, MAE, np.zeros(9), seed=0) == Estimate(1.0, 1.0, 1.0, (1.0, 1.0, 1.0))


def test_without_a_value_there_is_no_interval():
    targets = np.zeros(20, dtype=int)
    found = bootstrap([np.full((20, 2), 0.5)], AUC, targets, seed=0)
    assert np.isnan(found.value)
    assert (found.low, found.high) == (None, None)


def test_equal_seeds_give_equal_intervals():
    draws = errors(np.random.default_rng(0))
    first, again, other = (bootstrap(draws, MAE, np.zeros(150), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    "parts",
    [
        {"of_rows": 1.0, "of_seeds": 0.0, "noise": 0.3},
        {"of_rows": 1.0, "of_seeds": 0.1, "noise": 0.3},
        {"of_rows": 0.3, "of_seeds": 0.3, "noise": 0.3},
    ],
    ids=["rows", "both", "seeds"],
)
def test_intervals_cover_the_truth_as_often_as_they_say(parts):
    rng = np.random.default_rng(3)
    covered = 0
    for repetition in range(200):
        found = bootstrap(errors(rng, rows=100, **parts), MAE, np.zeros(100), seed=repetition, n=400)
        covered += found.low <= 10 <= found.high
    # 95 % of 200 is 190 with a standard deviation of 3.1.
    assert 180 <= covered <= 199


def test_differences_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(4)
    covered = 0
    for repetition in range(200):
        shared = errors(rng, rows=100, of_seeds=0.5)
        worse = [part + 0.05 + 0.1 * rng.normal(size=100) + 0.02 * rng.normal() for part in shared]
        found = paired_difference(shared, worse, MAE, np.zeros(100), seed=repetition, n=400)
        covered += found.low <= 0.05 <= found.high
    assert 180 <= covered <= 199


def test_a_difference_is_positive_where_the_first_is_better():
    rng = np.random.default_rng(0)
    targets, good = votes(rng, 400, 0.9)
    _, bad = votes(rng, 400, 0.5)
    found = paired_difference([good, good], [bad, bad], ACCURACY, targets, seed=0)
    assert found.low > 0.2
    near, far = errors(rng), [part + 1.0 for part in errors(rng)]
    assert paired_difference(near, far, MAE, np.zeros(150), seed=0).low > 0.5
    assert paired_difference(far, near, MAE, np.zeros(150), seed=0).high < -0.5


def test_what_both_share_cancels():
    first = errors(np.random.default_rng(0), of_seeds=5.0)
    found = paired_difference(first, [part + 0.25 for part in first], MAE, np.zeros(150), seed=0)
    np.testing.assert_allclose([found.value, found.low, found.high], 0.25, rtol=1e-9)
    assert paired_difference(first, first, MAE, np.zeros(150), seed=0) == Estimate(0.0, 0.0, 0.0, (0.0,) * 5)


def test_unequal_numbers_of_seeds_are_refused():
    parts = errors(np.random.default_rng(0))
    with pytest.raises(SearchError, match=r"A paired difference needs as many seeds on both sides; got 5 and 3\."):
        paired_difference(parts, parts[:3], MAE, np.zeros(150), seed=0)


@pytest.mark.parametrize("name", ["log_loss", "accuracy", "rmse"])
def test_two_thousand_resamples_of_ten_thousand_rows_take_seconds(name):
    metric, rng = catalogue.find(name), np.random.default_rng(0)
    targets = rng.integers(10, size=10_000)
    shape = (10_000,) if name == "rmse" else (10_000, 10)
    predictions = [rng.random(shape) for _ in range(5)]
    began = time.process_time()
    bootstrap(predictions, metric, targets, seed=0)
    assert time.process_time() - began < 3


def test_without_overlap_the_corrected_test_is_the_plain_one():
    values = [0.1, 0.3, 0.15, 0.2, 0.4]
    found = corrected_t(values, train_rows=1e12, score_rows=1)
    expected = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-9)
    assert found.value == pytest.approx(0.23)
    assert found.values == tuple(values)


def test_overlap_widens_by_the_formula():
    plain = corrected_t([0.1, 0.3, 0.15, 0.2, 0.4], train_rows=1e12, score_rows=1)
    folds = corrected_t([0.1, 0.3, 0.15, 0.2, 0.4], train_rows=80, score_rows=20)
    # (1/5 + 1/4) / (1/5) = 2.25, of which the root is 1.5.
    assert (folds.high - folds.low) / (plain.high - plain.low) == pytest.approx(1.5)


def test_one_split_has_no_interval():
    assert corrected_t([0.1], 80, 20) == Estimate(0.1, None, None, (0.1,))


def test_the_corrected_test_covers_where_the_plain_one_does_not():
    """Squared error of the median against that of the mean of the training rows, over 10 random splits of 50 rows."""
    rng = np.random.default_rng(5)
    repetitions, splits = 400, 10
    data = rng.normal(size=(repetitions, 1, 50))
    order = rng.random((repetitions, splits, 50)).argsort(-1)
    rows = np.take_along_axis(np.broadcast_to(data, order.shape), order, axis=-1)
    train, held = rows[..., :40], rows[..., 40:]
    error = [np.square(held - guess[..., None]).mean(-1) for guess in (np.median(train, -1), train.mean(-1))]
    differences = error[0] - error[1]
    truth = differences.mean()
    corrected, plain = (
        np.mean(
            [found.low <= truth <= found.high for found in (corrected_t(row, 40, held_rows) for row in differences)]
        )
        for held_rows in (10, 0)
    )
    assert plain < 0.85
    assert corrected > 0.9


def ridge_differences(rng, repetitions, splits, rows=100, columns=30):
    """Squared error of ridge on one half of the columns against the other, on random splits of fresh samples.

    The halves are exchangeable, so the true difference is zero. ``splits`` gives the score rows of each split.
    """
    inputs = rng.normal(size=(repetitions, rows, 2 * columns))
    targets = inputs.sum(-1) / np.sqrt(columns) + rng.normal(size=(repetitions, rows))
    found = []
    for held in splits:
        scored = np.isin(np.arange(rows), held)
        losses = []
        for half in (slice(0, columns), slice(columns, None)):
            known, new = inputs[:, ~scored, half], inputs[:, scored, half]
            gram = np.einsum("rni,rnj->rij", known, known) + np.eye(columns)
            moment = np.einsum("rni,rn->ri", known, targets[:, ~scored])
            fitted = np.linalg.solve(gram, moment[..., None])[..., 0]
            losses.append(np.square(targets[:, scored] - np.einsum("rni,ri->rn", new, fitted)).mean(1))
        found.append(losses[0] - losses[1])
    return np.stack(found, axis=1)


@pytest.mark.parametrize(("kind", "plain_size"), [("five folds", 0.09), ("ten random splits", 0.2)])
def test_under_a_true_null_the_corrected_test_has_the_size_that_it_says(kind, plain_size):
    rng, repetitions, rows = np.random.default_rng(7), 400, 100
    if kind == "five folds":
        splits = np.arange(rows).reshape(5, 20)
    else:
        splits = [rng.choice(rows, 20, replace=False) for _ in range(10)]
    differences = ridge_differences(rng, repetitions, splits)
    corrected, plain = (
        sum(not found.low <= 0 <= found.high for found in (corrected_t(row, 80, held) for row in differences))
        for held in (20, 0)
    )
    # A test of size 5 % rejects 7 to 36 times of 400, but for one time in a thousand.
    low, high = scipy.stats.binom.interval(0.999, repetitions, 0.05)
    assert low <= corrected <= high
    assert plain > max(high, plain_size * repetitions)
