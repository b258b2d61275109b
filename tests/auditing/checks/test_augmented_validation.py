"""Validation rows that change are found in loaders, iterators and evaluations; shuffled ones pass."""

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from bridle.auditing.checks.augmented_validation import AugmentedValidation
from bridle.auditing.witnessed import Witnessed
from bridle.records import Severity


class Rows(Dataset):
    def __init__(self, noise):
        self.inputs = torch.arange(120.0).reshape(40, 3)
        self.noise = noise

    def __len__(self):
        return 40

    def __getitem__(self, index):
        return self.inputs[index] + self.noise * torch.randn(3), 0


class Iterated:
    """Batches in an order of their own, in no loader of torch's."""

    def __init__(self, noise):
        self.rows = Rows(noise)

    def __iter__(self):
        for number in torch.randperm(40).tolist():
            yield {"inputs": self.rows[number][0][None], "id": torch.tensor([number])}


LOADERS = {
    "loader": lambda noise: DataLoader(Rows(noise), batch_size=7),
    "shuffled": lambda noise: DataLoader(Rows(noise), batch_size=7, shuffle=True, drop_last=True),
    "iterated": Iterated,
}


@pytest.mark.parametrize("kind", LOADERS)
def test_rows_that_change(observe, linear, kind):
    observed = observe(linear, val_loader=LOADERS[kind](0.1))
    (finding,) = AugmentedValidation().look(observed)
    assert finding.severity is Severity.ERROR
    assert finding.numbers == {"share": 1.0, "rows": 40}
    assert "100% of 40 validation rows differ between two readings" in finding.message


@pytest.mark.parametrize("kind", LOADERS)
def test_rows_that_stay(observe, linear, kind):
    assert list(AugmentedValidation().look(observe(linear, val_loader=LOADERS[kind](0.0)))) == []


def test_what_cannot_be_read_twice_is_left_alone(observe, linear):
    used_up = iter(LOADERS["loader"](0.1))
    assert list(AugmentedValidation().look(observe(linear, val_loader=used_up))) == []
    assert len(list(used_up)) == 6


@pytest.mark.parametrize(("second", "found"), [([b"c", b"d"], 1), ([b"b", b"a"], 0)])
def test_rows_of_two_evaluations(observe, linear, second, found):
    observed = observe(linear)
    observed.witnessed = Witnessed(validations=[[b"a", b"b"], second])
    assert len(list(AugmentedValidation().look(observed))) == found
