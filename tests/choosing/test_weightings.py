import numpy as np
import pytest
import sklearn.metrics

from bridle.choosing._weightings import FEWER, FEWEST, resampled, under_weights
from bridle.metrics import catalogue
from bridle.records import Task

ROWS = 60
RNG = np.random.default_rng(0)
CODES = RNG.integers(3, size=ROWS)
NUMBERS = RNG.normal(size=ROWS)
# Rounded, so that there are ties.
PROBABILITIES = RNG.dirichlet(np.ones(3), size=ROWS).round(1) + 0.05
PREDICTED = NUMBERS + RNG.normal(size=ROWS)
COUNTS_RN = RNG.multinomial(ROWS, np.full(ROWS, 1 / ROWS), size=4)

ORACLES = {
    "log_loss": lambda y, p: sklearn.metrics.log_loss(y, p / p.sum(1, keepdims=True), labels=[0, 1, 2]),
    "accuracy": lambda y, p: sklearn.metrics.accuracy_score(y, p.argmax(1)),
    "balanced_accuracy": lambda y, p: sklearn.metrics.balanced_accuracy_score(y, p.argmax(1)),
    "f1": lambda y, p: sklearn.metrics.f1_score(y, p.argmax(1), average="macro"),
    "roc_auc": lambda y, p: np.mean([sklearn.metrics.roc_auc_score(y == code, p[:, code]) for code in range(3)]),
    "mae": sklearn.metrics.mean_absolute_error,
    "rmse": sklearn.metrics.root_mean_squared_error,
    "r2": sklearn.metrics.r2_score,
}


def data(metric):
    return (CODES, PROBABILITIES) if metric.task is Task.CLASSIFICATION else (NUMBERS, PREDICTED)


@pytest.mark.parametrize("name", ORACLES)
def test_weights_do_what_repeated_rows_do(name):
    metric = catalogue.find(name)
    targets, predictions = data(metric)
    found = under_weights(metric, targets, predictions)(COUNTS_RN.T.astype(float))
    expected = [ORACLES[name](targets.repeat(counts), predictions.repeat(counts, axis=0)) for counts in COUNTS_RN]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("metric", catalogue.METRICS, ids=lambda metric: metric.name)
def test_any_weights_give_what_the_metric_itself_gives(metric):
    targets, predictions = data(metric)
    weights_NR = RNG.gamma(1.0, size=(ROWS, 3))
    expected = [metric(targets, predictions, weights) for weights in weights_NR.T]
    np.testing.assert_allclose(under_weights(metric, targets, predictions)(weights_NR), expected, rtol=1e-10)


def test_with_two_classes_the_area_is_that_of_the_second():
    targets, predictions = (CODES > 0).astype(int), PROBABILITIES[:, :2]
    found = under_weights(catalogue.find("roc_auc"), targets, predictions)(np.ones((ROWS, 1)))
    assert found == pytest.approx([sklearn.metrics.roc_auc_score(targets, predictions[:, 1])])


def test_an_area_without_one_of_the_classes_is_unknown():
    weights_NR = np.stack([CODES == 0, np.ones(ROWS)], axis=1).astype(float)
    assert np.isnan(under_weights(catalogue.find("roc_auc"), CODES, PROBABILITIES)(weights_NR)).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize("metric", catalogue.METRICS, ids=lambda metric: metric.name)
def test_all_predictions_see_the_same_rows(metric):
    targets, predictions = data(metric)
    draws_RS = resampled(metric, targets, [predictions, predictions], None, 120, np.random.default_rng(1))
    assert draws_RS.shape == (120, 2)
    np.testing.assert_array_equal(draws_RS[:, 0], draws_RS[:, 1])
    assert np.nanstd(draws_RS[:, 0]) > 0


def test_rows_are_drawn_with_replacement_and_keep_their_own_weights():
    # With all weight on one row the mean is that row's error in every resample that holds it, in 1 - 1/e of them.
    weights = np.zeros(ROWS)
    weights[7] = 2.5
    mae = catalogue.find("mae")
    with np.errstate(invalid="ignore"):
        draws_RS = resampled(mae, NUMBERS, [PREDICTED], weights, 2000, np.random.default_rng(2))
    held = np.isfinite(draws_RS[:, 0])
    assert held.mean() == pytest.approx(1 - (1 - 1 / ROWS) ** ROWS, abs=0.04)
    np.testing.assert_allclose(draws_RS[held, 0], abs(NUMBERS[7] - PREDICTED[7]), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "rows", "asked", "expected"),
    [
        ("mae", 60, 2000, 2000),
        ("mae", 100_000, 2000, 1000),
        ("mae", 3_000_000, 2000, FEWEST),
        ("mae", 60, 30, 30),
        ("r2", 60, 2000, FEWER),
        ("r2", 50_000, 2000, 200),
        ("r2", 60, 200, 200),
    ],
)
def test_resamples_follow_the_metric_and_the_rows(name, rows, asked, expected, monkeypatch):
    # Counting resamples needs no work: one row stands for all.
    monkeypatch.setattr(
        "bridle.choosing._weightings.counts", lambda number, *_: iter([np.ones((rows, number), np.int8)])
    )
    monkeypatch.setattr("bridle.choosing._weightings.under_weights", lambda *_: lambda weights_NR: weights_NR[0])
    found = resampled(catalogue.find(name), np.zeros(rows), [np.zeros(rows)], None, asked, np.random.default_rng(0))
    assert len(found) == expected
