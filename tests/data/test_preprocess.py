import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from bridle.data.dataset import Dataset
from bridle.data.preprocess import Preprocessing, fit
from bridle.errors import RunError
from bridle.records import Kind, Layout, Task


@pytest.fixture
def table(classes):
    data = classes([0, 1] * 30)
    data.inputs[::7, 1] = np.nan
    data.inputs[::11, 2] = 1
    return data


@pytest.fixture
def images():
    pixels = np.random.default_rng(0).integers(0, 17, (40, 3, 5, 4)).astype(np.uint8)
    layout = Layout(Kind.IMAGE, Task.CLASSIFICATION, (3, 5, 4), classes=("a", "b"), low=0, high=16)
    return Dataset(pixels, np.arange(40) % 2, layout)


def prepared(preprocessing, data):
    return preprocessing.inputs(torch.from_numpy(data.inputs))


def test_numbers_are_scaled_as_scikit_learn_does_and_bent(table):
    rows = np.arange(40)
    out = prepared(fit(table, rows), table)[:, :2]
    scaler = RobustScaler(quantile_range=(25, 75), unit_variance=True).fit(table.inputs[rows, :2])
    z = np.nan_to_num(scaler.transform(table.inputs[:, :2]))
    np.testing.assert_allclose(out, z / np.sqrt(1 + (z / 3) ** 2), atol=1e-3)
    assert out.abs().max() < 3


def test_missing_numbers_become_the_centre_with_an_indicator(table):
    out = prepared(fit(table, np.arange(60)), table)
    missing = np.isnan(table.inputs[:, 1])
    assert missing.any()
    np.testing.assert_array_equal(out[:, 2], missing.astype(np.float32))
    assert (out[missing, 1] == 0).all()
    assert not out.isnan().any()


def test_a_column_that_is_missing_in_all_fitted_rows_does_no_harm(table):
    table.inputs[:30, 1] = np.nan
    out = prepared(fit(table, np.arange(30)), table)
    assert out.isfinite().all()


def test_categories_that_were_not_fitted_are_unknown(table):
    rows = np.flatnonzero(table.inputs[:, 2] != 4)
    codes = prepared(fit(table, rows), table)[:, -1].numpy()
    np.testing.assert_array_equal(codes, np.where(table.inputs[:, 2] == 4, 0, table.inputs[:, 2]))


def test_one_hot_columns_are_those_of_scikit_learn(table):
    rows = np.flatnonzero(table.inputs[:, 2] != 4)
    preprocessing = fit(table, rows, one_hot=True)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(table.inputs[rows, 2:])
    out = prepared(preprocessing, table)
    np.testing.assert_array_equal(out[:, 3:], encoder.transform(table.inputs[:, 2:]))
    assert preprocessing.cardinalities == ()
    assert preprocessing.width == out.shape[1] == 6


def test_numbers_far_outside_stay_at_the_bound(table):
    preprocessing = fit(table, np.arange(60))
    raw = torch.tensor([[3e38, -3e38, 2], [1e22, -1e22, 2]])
    torch.testing.assert_close(preprocessing.inputs(raw)[:, :2], torch.tensor([[3.0, -3.0], [3.0, -3.0]]))


def test_where_each_input_comes_from(table):
    assert fit(table, np.arange(60)).sources == ("height", "width", "width", "colour")
    one_hot = fit(table, np.arange(60), one_hot=True)
    assert one_hot.sources == ("height", "width", "width", *["colour"] * 4)
    assert len(one_hot.sources) == one_hot.width


def test_widths(table):
    preprocessing = fit(table, np.arange(60))
    assert (preprocessing.continuous, preprocessing.indicators, preprocessing.cardinalities) == (2, 1, (5,))
    assert preprocessing.width == prepared(preprocessing, table).shape[1] == 4
    assert preprocessing.normalise(torch.ones(1, 4)).tolist() == [[1, 1, 1, 1]]


def test_only_the_fitted_rows_matter(table):
    rows = np.arange(40)
    changed = replace(table, inputs=table.inputs.copy())
    changed.inputs[40:, :2] = 1e6
    torch.testing.assert_close(prepared(fit(changed, rows), table), prepared(fit(table, rows), table), rtol=0, atol=0)


def test_rows_are_prepared_alike_in_any_batch(table):
    preprocessing = fit(table, np.arange(40))
    raw = torch.from_numpy(table.inputs)
    single = torch.cat([preprocessing.inputs(row[None]) for row in raw])
    torch.testing.assert_close(single, preprocessing.inputs(raw), rtol=0, atol=0)


@pytest.mark.parametrize("one_hot", [False, True])
def test_arrays_and_back_give_the_same_bits(table, one_hot):
    preprocessing = fit(table, np.arange(40), one_hot=one_hot)
    again = Preprocessing.from_arrays(table.layout, preprocessing.to_arrays())
    assert torch.equal(prepared(again, table), prepared(preprocessing, table))
    assert again.one_hot is one_hot


def test_pickling_for_workers_gives_the_same_bits(table):
    preprocessing = fit(table, np.arange(40))
    assert torch.equal(prepared(pickle.loads(pickle.dumps(preprocessing)), table), prepared(preprocessing, table))


def test_arrays_that_do_not_fit_are_refused(table):
    arrays = fit(table, np.arange(40)).to_arrays()
    with pytest.raises(RunError, match=r"needs an array 'scale' of shape \(2,\); got \(1,\)"):
        Preprocessing.from_arrays(table.layout, arrays | {"scale": np.ones(1, np.float32)})
    del arrays["seen"]
    with pytest.raises(RunError, match=r"needs an array 'seen' of shape \(5,\); got None"):
        Preprocessing.from_arrays(table.layout, arrays)


def test_images_become_numbers_up_to_one_and_then_standardised(images):
    preprocessing = fit(images, np.arange(40))
    out = prepared(preprocessing, images)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, torch.from_numpy(images.inputs / np.float32(16)))
    standardised = preprocessing.normalise(out)
    torch.testing.assert_close(standardised.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(standardised.var((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)
    assert preprocessing.width == 3


def test_images_of_any_range(images):
    layout = replace(images.layout, low=-1.0, high=1.0)
    data = replace(images, inputs=(images.inputs / 8 - 1).astype(np.float32), layout=layout)
    out = prepared(fit(data, np.arange(40)), data)
    torch.testing.assert_close(out, torch.from_numpy(images.inputs / np.float32(16)))


def test_classes_keep_their_codes(table):
    preprocessing = fit(table, np.arange(60))
    targets = preprocessing.targets(torch.from_numpy(table.targets))
    assert targets.dtype == torch.int64
    assert targets.tolist() == table.targets.tolist()
    outputs = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(preprocessing.restore(outputs), outputs)


def test_numbers_come_back_in_their_unit(numbers):
    values = np.array([1e6, 1e6 + 1, 1e6 + 2, 1e6 + 5])
    data = numbers(values)
    preprocessing = fit(data, np.arange(4))
    standardised = preprocessing.targets(torch.from_numpy(values))
    assert standardised.shape == (4, 1)
    assert standardised.dtype == torch.float32
    np.testing.assert_allclose(standardised[:, 0], (values - values.mean()) / values.std(), rtol=1e-5)
    restored = preprocessing.restore(standardised)
    np.testing.assert_allclose(restored[:, 0], values, rtol=0, atol=1e-5)


@pytest.mark.parametrize("one_hot", [False, True])
def test_sources_name_the_column_of_each_input(table, one_hot):
    fitted = fit(table, np.arange(60), one_hot=one_hot)
    numbers = [column.name for column in table.layout.numeric]
    flagged = [column.name for column in table.layout.numeric if column.missing]
    [category] = [column.name for column in table.layout.categorical]
    codes = len(np.unique(table.inputs[:, 2])) if one_hot else 1
    assert list(fitted.sources) == [*numbers, *flagged, *[category] * codes]
    assert len(fitted.sources) == prepared(fitted, table).shape[1]
