"""What was fitted on rows of a Keras model's validation is found; what was fitted on its training rows passes."""

from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from bridle.auditing.keras.fitted_on_all_rows import look
from bridle.auditing.keras.used import Rows, Training
from bridle.auditing.witnessed import Fit
from bridle.records import Severity

BACKENDS = [
    "torch",
    pytest.param("tensorflow", marks=pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")),
]


def rows(array):
    return Rows(array, id(array), frozenset())


@pytest.fixture
def table():
    return np.random.default_rng(0).normal(3.0, 2.0, (60, 6))


def training(table, *, split=False, evaluated=False):
    held = rows(table[40:])
    return Training(
        rows(table[:40]), None if evaluated else held, [], split=split, evaluated=[held] if evaluated else []
    )


@pytest.mark.parametrize("where", ["validation", "evaluated"])
def test_a_scaler_of_all_rows(table, where):
    scaler = StandardScaler().fit(table)
    used = training(scaler.transform(table), evaluated=where == "evaluated")
    (finding,) = look([used, used], [Fit(scaler, table, None)], [])
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"transformer": "StandardScaler", "rows": 60, "shared": 20, "targets": False}


@pytest.mark.parametrize("where", ["validation", "evaluated"])
def test_a_layer_that_was_adapted_to_all_rows(table, where):
    (finding,) = look([training(table[::-1][::-1], evaluated=where == "evaluated")], [], [("Normalization", table)])
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"transformer": "Normalization", "rows": 60, "shared": 20, "targets": False}
    assert "Normalization.adapt() was given 60 rows, 20 of them validation rows" in finding.message


def test_rows_that_fit_splits_off_are_a_note(table):
    scaler = StandardScaler().fit(table)
    (finding,) = look([training(scaler.transform(table), split=True)], [Fit(scaler, table, None)], [])
    assert finding.severity is Severity.INFO
    assert "validation_split splits off validation rows after it" in finding.message
    (finding,) = look([training(table, split=True)], [], [("Normalization", table)])
    assert finding.severity is Severity.INFO
    assert "validation_split takes the last rows of x: adapt() to the others" in finding.message


def test_numbers_standardised_by_hand(table):
    whole = (table - table.mean(0)) / table.std(0)
    assert [one.numbers["unit"] for one in look([training(whole)], [], [])] == ["column"]
    assert list(look([training(whole, split=True)], [], [])) == []


def test_others_pass(table):
    scaler = StandardScaler().fit(table[:40])
    assert list(look([training(scaler.transform(table))], [Fit(scaler, table[:40], None)], [])) == []
    assert list(look([training(table)], [], [("Normalization", table[:40])])) == []
    assert list(look([training(table)], [], [("Normalization", table[:49])])) == []
    several = Training(rows([table, table]), rows([table[:3], table[:3]]), [])
    assert list(look([several, Training(rows(iter(())), rows(iter(())), [])], [], [("Normalization", table)])) == []
    same = Training(rows(table[:40]), rows(table[:40]), [])
    assert list(look([same], [], [("Normalization", table[:40])])) == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("arguments", [(), ("--adapt",)], ids=" ".join)
def test_found_in_a_script(traced, backend, arguments):
    told = traced("scaled_before_split", 0, *arguments, backend=backend)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("preprocessing_on_all_rows", "warning")]
    assert (told["findings"][0]["numbers"]["shared"], told["notes"]) == (45, [])


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("--adapt",)], ids=" ".join)
def test_passed_in_a_script(traced, arguments):
    assert traced("scaled_before_split", 0, *arguments, "--first")["findings"] == []
    (note,) = traced("scaled_before_split", 0, *arguments, "--first", "--share")["findings"]
    assert note["severity"] == "info"
