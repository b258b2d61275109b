"""Preprocessing fitted on validation rows is found, in a script and in loaders; fitted on training rows it passes."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from torch.utils.data import DataLoader, TensorDataset

from bridle.auditing.checks.preprocessing_on_all_rows import PreprocessingOnAllRows
from bridle.auditing.witnessed import Fit, Witnessed
from bridle.records import Severity

COUNT, TRAIN = 60, 40


@pytest.fixture
def table():
    draw = np.random.default_rng(0)
    return draw.normal(3.0, 2.0, (COUNT, 6)), draw.integers(0, 2, COUNT)


def loader(rows, kind=torch.float32, **options):
    return DataLoader(TensorDataset(torch.tensor(np.asarray(rows), dtype=kind)), batch_size=8, **options)


@pytest.fixture
def findings(observe, linear):
    def look(rows, fits=(), kind=torch.float32):
        parts = {"loader": loader(rows[:TRAIN], kind, shuffle=True), "val_loader": loader(rows[TRAIN:], kind)}
        observed = observe(linear, **parts, witnessed=Witnessed(fits=list(fits)))
        return list(PreprocessingOnAllRows().look(observed))

    return look


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_scaler_of_all_rows(findings, table, kind):
    scaler = StandardScaler().fit(table[0])
    (finding,) = findings(scaler.transform(table[0]), [Fit(scaler, table[0], None)], kind)
    assert finding.severity is Severity.WARNING
    assert finding.numbers == {"transformer": "StandardScaler", "rows": 60, "shared": 20, "targets": False}
    assert "fitted on 60 rows, 20 of them validation rows: what it learned" in finding.message


def test_features_chosen_by_all_targets(findings, table):
    rows, targets = table
    rows[TRAIN:, 4] = 9.0 * targets[TRAIN:]  # a feature that tells the class of validation rows only
    chooser, scaler = SelectKBest(k=1).fit(rows, targets), StandardScaler().fit(rows)
    (finding,) = findings(chooser.transform(rows), [Fit(scaler, rows, None), Fit(chooser, rows, targets)])
    assert finding.severity is Severity.ERROR
    assert finding.numbers["transformer"] == "SelectKBest"
    assert "20 of them validation rows, with their targets" in finding.message
    (finding,) = findings(chooser.transform(rows), [Fit(chooser, rows, targets, in_pipeline=True)])
    assert finding.severity is Severity.WARNING


def test_a_pipeline_whose_last_step_splits_is_a_note(findings, table):
    scaler = StandardScaler().fit(table[0])
    (finding,) = findings(scaler.transform(table[0]), [Fit(scaler, *table, in_pipeline=True)])
    assert finding.severity is Severity.INFO
    assert finding.numbers["targets"] is False
    assert "The last step of its pipeline splits off validation rows after it" in finding.message


def test_a_step_whose_output_is_changed_afterwards_is_known_by_its_count(findings, table):
    reduced = PCA(2).fit(table[0])
    (finding,) = findings(reduced.transform(table[0]) * 7, [Fit(reduced, table[0], None)])
    assert (finding.numbers["rows"], finding.numbers["shared"]) == (60, 20)


def test_fitted_on_the_training_rows(findings, table):
    scaler = StandardScaler().fit(table[0][:TRAIN])
    assert findings(scaler.transform(table[0]), [Fit(scaler, table[0][:TRAIN], None)]) == []
    pipeline = make_pipeline(StandardScaler(), PCA(2)).fit(table[0][:TRAIN])
    assert findings(pipeline.transform(table[0]), [Fit(pipeline, table[0][:TRAIN], None)]) == []


def test_what_learns_nothing_of_the_rows(findings, table):
    same, codes = FunctionTransformer().fit(table[0]), np.arange(COUNT)[:, None] % 3
    encoder = OneHotEncoder(sparse_output=False).fit(codes)
    assert findings(table[0], [Fit(same, table[0], None)]) == []
    assert findings(encoder.transform(codes) + table[0][:, :3], [Fit(encoder, codes, None)]) == []


def test_numbers_standardised_together(findings, table):
    rows = (table[0] - table[0].mean(0)) / table[0].std(0)
    (finding,) = findings(rows)
    assert finding.severity is Severity.WARNING
    assert finding.numbers["unit"] == "column"
    assert finding.numbers["off"] == pytest.approx(abs(rows[:TRAIN].mean(0)).max(), rel=1e-4)
    coded = np.concatenate([rows, rows > 0], axis=1)
    assert findings(coded)[0].numbers["unit"] == "column"
    (finding,) = findings((table[0] - table[0].mean()) / table[0].std(ddof=1))
    assert finding.numbers["unit"] == "number"


def test_numbers_standardised_by_the_training_rows(findings, table):
    train = table[0][:TRAIN]
    assert findings((table[0] - train.mean(0)) / train.std(0)) == []
    assert findings((table[0] - train.mean()) / train.std()) == []
    assert findings(table[0]) == []


def test_parts_that_are_standardised_each_by_itself(findings):
    """Nothing shows that they were standardised together."""
    column = np.tile([1.0, -1.0], COUNT // 2) + 1e-7 * np.arange(COUNT)  # of rows that are all different
    assert findings(np.stack([column, -column], axis=1), kind=torch.float64) == []


def test_nothing_to_compare(observe, linear):
    assert list(PreprocessingOnAllRows().look(observe(linear))) == []
