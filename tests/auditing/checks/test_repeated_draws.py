"""A generator stored in the dataset is found; one made in the worker, or by worker_init_fn, passes. Real workers "
"agree."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from bridle.auditing.checks.repeated_draws import RepeatedDraws
from bridle.records import Severity


class Stored(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor(self.rng.random()), index


class Made(Stored):
    def __init__(self):
        self.rng = None

    def __getitem__(self, index):
        if self.rng is None:
            self.rng = np.random.default_rng(get_worker_info().seed if get_worker_info() else 0)
        return super().__getitem__(index)


def anew(number):
    get_worker_info().dataset.rng = np.random.default_rng(get_worker_info().seed)


def test_a_stored_generator(observe, linear):
    dataset = Stored()
    state = dataset.rng.bit_generator.state
    (finding,) = RepeatedDraws().look(observe(linear, loader=DataLoader(dataset, num_workers=2)))
    assert finding.severity is Severity.ERROR
    assert finding.numbers == {
        "generator": "dataset.rng",
        "workers": 2,
        "same_in_workers": True,
        "same_in_epochs": True,
    }
    assert "all 2 workers draw the same numbers and every epoch repeats the first" in finding.message
    assert dataset.rng.bit_generator.state == state


def test_one_worker_repeats_epochs_only(observe, linear):
    (finding,) = RepeatedDraws().look(observe(linear, loader=DataLoader(Stored(), num_workers=1)))
    assert finding.severity is Severity.WARNING
    assert "draw the same" not in finding.message


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(Stored()),
        DataLoader(Made(), num_workers=2),
        DataLoader(Stored(), num_workers=2, worker_init_fn=anew),
    ],
)
def test_draws_of_their_own(observe, linear, loader):
    assert list(RepeatedDraws().look(observe(linear, loader=loader))) == []
    assert get_worker_info() is None


@pytest.mark.parametrize(("dataset", "distinct"), [(Stored(), 4), (Made(), 8)])
def test_real_workers_do_as_found(dataset, distinct):
    loader = DataLoader(dataset, batch_size=1, num_workers=2, multiprocessing_context="spawn")
    assert len({float(draw) for draw, _ in loader}) == distinct
