"""Noisy copies across the split are found; images that merely look alike pass."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bridle.auditing.checks.near_duplicates import NearDuplicates
from bridle.records import Severity

DIGITS = torch.tensor(load_digits().data, dtype=torch.float32) / 16


def loader(rows):
    return DataLoader(TensorDataset(rows, torch.zeros(len(rows)).long()), batch_size=100)


def test_noisy_copies(observe):
    draw = torch.Generator().manual_seed(0)
    copies = DIGITS[:50] + 0.01 * torch.randn(50, 64, generator=draw)
    validation = loader(torch.cat([DIGITS[1200:1400], copies]))
    (finding,) = NearDuplicates().look(observe(nn.Linear(64, 3), loader=loader(DIGITS[:1000]), val_loader=validation))
    assert finding.severity is Severity.WARNING
    assert finding.numbers["near"] == 50
    assert 0.995 < finding.numbers["cosine"] < 1
    assert "Split by source" in finding.message


def test_digits_of_many_hands(observe):
    observed = observe(nn.Linear(64, 3), loader=loader(DIGITS[:1000]), val_loader=loader(DIGITS[1000:]))
    assert list(NearDuplicates().look(observed)) == []


def test_few_features_are_not_judged(observe, linear, batches):
    assert list(NearDuplicates().look(observe(linear, val_loader=batches(0)))) == []


def test_the_test_rows_of_a_run(observe, own_run):
    draw = torch.Generator().manual_seed(0)
    copies = DIGITS[:50] + 0.01 * torch.randn(50, 64, generator=draw)
    mixed = torch.cat([DIGITS[1200:1400], copies])
    known = {"training": [(DIGITS[:1000], torch.zeros(1000))], "test": [(mixed, torch.zeros(250))]}
    (finding,) = NearDuplicates().look(observe(nn.Linear(64, 3), run=own_run(of=known)))
    assert "50 of 250 test rows compared" in finding.message
    assert "bridle fit --group COLUMN" in finding.message
    clean = known | {"test": [(DIGITS[1200:1400], torch.zeros(200))]}
    assert list(NearDuplicates().look(observe(nn.Linear(64, 3), run=own_run(of=clean)))) == []


def test_rows_of_categories_in_a_run_are_often_nearly_alike(observe, own_run):
    side = [(DIGITS[:100] + 0.01, torch.zeros(100))]
    known = {"training": [(DIGITS[:100], torch.zeros(100))], "test": side}
    assert len(list(NearDuplicates().look(observe(nn.Linear(64, 3), run=own_run(of=known))))) == 1
    assert list(NearDuplicates().look(observe(nn.Linear(64, 3), run=own_run(of=known | {"coded": True})))) == []
