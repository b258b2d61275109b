import numpy as np
import pytest
import sklearn.metrics

from bridle.metrics import classification


@pytest.fixture(params=[2, 4], ids=["two classes", "four classes"])
def drawn(request):
    rng = np.random.default_rng(request.param)
    targets = np.concatenate([np.arange(request.param), rng.integers(0, request.param, 300)])
    scores = rng.normal(size=(len(targets), request.param)) + 1.5 * np.eye(request.param)[targets]
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return targets, probabilities


@pytest.fixture(params=[False, True], ids=["plain", "weighted"])
def weights(request, drawn):
    return np.random.default_rng(9).uniform(0.1, 3, len(drawn[0])) if request.param else None


def macro(function):
    return lambda targets, predicted, **more: function(targets, predicted, average="macro", zero_division=0, **more)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (classification.accuracy, sklearn.metrics.accuracy_score),
        (classification.balanced_accuracy, sklearn.metrics.balanced_accuracy_score),
        (classification.precision, macro(sklearn.metrics.precision_score)),
        (classification.recall, macro(sklearn.metrics.recall_score)),
        (classification.f1, macro(sklearn.metrics.f1_score)),
    ],
)
def test_against_scikit_learn(drawn, weights, ours, theirs):
    targets, probabilities = drawn
    expected = theirs(targets, probabilities.argmax(1), sample_weight=weights)
    np.testing.assert_allclose(ours(targets, probabilities, weights), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "ours", [classification.precision, classification.recall, classification.f1], ids=lambda function: function.__name__
)
def test_a_class_that_is_never_called(ours):
    targets = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1, 0.0]] * 3 + [[0.0, 0.1, 0.9]])
    theirs = macro(getattr(sklearn.metrics, f"{ours.__name__}_score"))
    np.testing.assert_allclose(ours(targets, probabilities), theirs(targets, probabilities.argmax(1)))


def test_log_loss_against_scikit_learn(drawn, weights):
    targets, probabilities = drawn
    expected = sklearn.metrics.log_loss(targets, probabilities, sample_weight=weights)
    np.testing.assert_allclose(classification.log_loss(targets, probabilities, weights), expected, rtol=1e-12)


def test_log_loss_is_finite_for_certain_mistakes():
    targets, probabilities = np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]])
    expected = sklearn.metrics.log_loss(targets, probabilities)
    np.testing.assert_allclose(classification.log_loss(targets, probabilities), expected)


def test_roc_auc_against_scikit_learn(drawn, weights):
    targets, probabilities = drawn
    given = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    expected = sklearn.metrics.roc_auc_score(targets, given, multi_class="ovr", sample_weight=weights)
    np.testing.assert_allclose(classification.roc_auc(targets, probabilities, weights), expected, rtol=1e-12)


def test_roc_auc_of_an_absent_class_is_nan(drawn):
    targets, probabilities = drawn
    rows = targets != 0
    assert np.isnan(classification.roc_auc(targets[rows], probabilities[rows]))


def test_calibration_error_against_brute_force(drawn, weights):
    targets, probabilities = drawn
    mass = np.ones(len(targets)) if weights is None else weights
    total = 0.0
    for low in np.arange(15) / 15:
        confidence = probabilities.max(1)
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            right = np.average(probabilities[inside].argmax(1) == targets[inside], weights=mass[inside])
            total += mass[inside].sum() / mass.sum() * abs(right - np.average(confidence[inside], weights=mass[inside]))
    np.testing.assert_allclose(classification.calibration_error(targets, probabilities, weights), total, rtol=1e-9)


def test_calibration_error_of_certainty():
    sure = np.eye(2)[[0, 1, 1, 1]]
    assert classification.calibration_error(np.array([0, 1, 1, 1]), sure) == 0
    assert classification.calibration_error(np.array([0, 1, 1, 0]), sure) == 0.25


def test_confusion_against_scikit_learn(drawn, weights):
    targets, probabilities = drawn
    expected = sklearn.metrics.confusion_matrix(targets, probabilities.argmax(1), sample_weight=weights)
    np.testing.assert_allclose(classification.confusion(targets, probabilities, weights), expected)
