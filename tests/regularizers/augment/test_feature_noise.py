"""Feature noise is normal and spares what is no number."""

import dataclasses

import pytest
import torch
from scipy import stats

from bridle.regularizers.augment import FeatureNoise


def test_noise_is_normal_with_the_stated_deviation(table, draws):
    noise = FeatureNoise(0.3).apply(table, draws).inputs - table.inputs
    for column in range(4):
        assert stats.kstest(noise[:, column].numpy(), stats.norm(0, 0.3).cdf).pvalue > 1e-3
    correlations = torch.corrcoef(noise[:, :4].T) - torch.eye(4)
    assert float(correlations.abs().max()) < 0.08


def test_indicators_and_categories_stay(table, draws):
    found = FeatureNoise(5.0).apply(table, draws).inputs
    assert torch.equal(found[:, 4:], table.inputs[:, 4:])


def test_a_table_of_categories_stays(table, draws):
    categories = dataclasses.replace(table, inputs=table.inputs[:, 5:], continuous=0)
    assert torch.equal(FeatureNoise(5.0).apply(categories, draws).inputs, categories.inputs)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2.0**-24])
def test_the_ends_of_the_uniforms_are_finite(table, uniform):
    class Ends:
        def per_example(self, name, examples, times, columns):
            return torch.full((len(examples), columns), uniform)

    assert bool(FeatureNoise(1.0).apply(table, Ends()).inputs.isfinite().all())
