"""Test rows that a callback of Keras chose weights on, and that give the score, are found; apart or once they pass."""

from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from bridle.auditing.keras.chosen_on_test import look
from bridle.auditing.keras.used import Rows, Training
from bridle.records import Severity

BACKENDS = [
    "torch",
    pytest.param("tensorflow", marks=pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")),
]


class EarlyStopping(SimpleNamespace):
    """What the check reads of Keras's callback."""


class ModelCheckpoint(SimpleNamespace):
    """The same."""


def rows(key=b"a", *names):
    return Rows(None, key, frozenset(names))


TEST, OTHER = rows(b"a", "x_test"), rows(b"b", "x_new")
RESTORES = EarlyStopping(monitor="val_loss", restore_best_weights=True)
SAVES = ModelCheckpoint(monitor="val_accuracy", save_best_only=True)


def training(callback=RESTORES, validation=TEST, evaluated=(TEST,), validations=8):
    return Training(rows(b"c", "x_train"), validation, [callback], validations=validations, evaluated=list(evaluated))


@pytest.mark.parametrize(
    ("callback", "validation", "severity"),
    [
        (RESTORES, TEST, Severity.ERROR),
        (SAVES, TEST, Severity.WARNING),
        (RESTORES, rows(b"a", "x_val"), Severity.WARNING),
        (RESTORES, rows(b"a"), Severity.WARNING),
    ],
)
def test_chosen_and_reported(callback, validation, severity):
    (finding,) = look([training(callback, validation, [validation])])
    assert (finding.name, finding.severity, finding.numbers) == ("selected_on_test", severity, {"looks": 8})
    assert f"where {type(callback).__name__} kept the best of 8 weights on them" in finding.message


def test_evaluated_after_another_training():
    assert len(list(look([training(evaluated=()), training(SAVES, None)]))) == 1


@pytest.mark.parametrize(
    "trainings",
    [
        [],
        [training(evaluated=())],
        [training(evaluated=(TEST, OTHER))],
        [training(validation=OTHER)],
        [training(), training(validation=OTHER)],
        [training(validations=2)],
        [training(SAVES, rows(b"a"), [rows(b"a")])],
        [training(EarlyStopping(monitor="val_loss", restore_best_weights=False))],
        [training(EarlyStopping(monitor="loss", restore_best_weights=True))],
        [training(ModelCheckpoint(monitor="val_loss", save_best_only=False))],
        [training(SimpleNamespace(monitor="val_loss"))],
        [training(None, evaluated=(TEST,)), training(evaluated=())],
    ],
)
def test_others_pass(trainings):
    assert list(look(trainings)) == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_found_in_a_script(traced, backend):
    told = traced("chosen_on_test", 1000, backend=backend)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("selected_on_test", "error")]
    assert told["notes"] == []
    told = traced("chosen_on_test", 1000, "--checkpoint", backend=backend)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("selected_on_test", "warning")]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("argument", ["--apart", "--once", "--plain"])
def test_passed_in_a_script(traced, backend, argument):
    told = traced("chosen_on_test", 1000, argument, backend=backend)
    assert (told["findings"], told["notes"]) == ([], [])


@pytest.mark.slow
def test_not_before_the_end(traced):
    assert traced("chosen_on_test", 4)["findings"] == []
