"""Rows on both sides of the split are found and counted; other rows pass."""

import torch
from torch.utils.data import DataLoader, TensorDataset

from bridle.auditing.checks.shared_rows import SharedRows
from bridle.records import Severity


def test_rows_on_both_sides(observe, linear, batches):
    first, other = batches(0).dataset.tensors[0], batches(1).dataset.tensors[0]
    mixed = DataLoader(TensorDataset(torch.cat([other[:30], first[5:15]])), batch_size=8)
    (finding,) = SharedRows().look(observe(linear, val_loader=mixed))
    assert finding.severity is Severity.ERROR
    assert finding.numbers == {"shared": 10, "share": 0.25, "rows": 40, "repeated": 0.0}
    assert "10 of 40 validation rows (25.0%) are training rows" in finding.message


def test_other_rows(observe, linear, batches):
    assert list(SharedRows().look(observe(linear, val_loader=batches(1)))) == []
    assert list(SharedRows().look(observe(linear))) == []


def test_data_that_repeats_itself_is_a_warning(observe, linear):
    coded = TensorDataset(torch.eye(6).repeat(4, 1), torch.zeros(24).long())
    observed = observe(linear, loader=DataLoader(coded), val_loader=DataLoader(coded))
    (finding,) = SharedRows().look(observed)
    assert finding.severity is Severity.WARNING
    assert "Of the training rows 100.0% are there more than once" in finding.message


def labelled(inputs, targets=None):
    """The rows of a run in one block; by default all of one class."""
    return [(inputs, torch.zeros(len(inputs)) if targets is None else targets)]


def compared(observe, linear, own_run, training, test):
    run = own_run(of={"training": labelled(training), "test": labelled(test)})
    return [(one.severity, one.numbers["shared"]) for one in SharedRows().look(observe(linear, run=run))]


def test_the_test_rows_of_a_run(observe, linear, own_run, batches):
    first, other = batches(0).dataset.tensors[0], batches(1).dataset.tensors[0]
    mixed = torch.cat([other[:30], first[5:15]])
    assert compared(observe, linear, own_run, first, mixed) == [(Severity.ERROR, 10)]
    assert compared(observe, linear, own_run, first, other) == []
    run = own_run(of={"training": labelled(first), "test": labelled(mixed)})
    (finding,) = SharedRows().look(observe(linear, run=run))
    assert "10 of 40 test rows (25.0%) are training rows" in finding.message
    assert "bridle fit --group COLUMN" in finding.message


def test_in_a_run_two_rows_or_few_of_many_are_told_only(observe, linear, own_run, batches):
    first, other = batches(0).dataset.tensors[0], batches(1).dataset.tensors[0]
    two = torch.cat([other[:30], first[:2]])
    assert compared(observe, linear, own_run, first, two) == [(Severity.INFO, 2)]
    many = torch.cat([torch.randn(400, 6, generator=torch.Generator().manual_seed(3)), first[:3]])
    assert compared(observe, linear, own_run, first, many) == [(Severity.INFO, 3)]


def test_in_a_run_rows_of_other_targets_are_no_copies(observe, linear, own_run):
    coded = torch.eye(6).repeat(8, 1)
    training = labelled(coded, torch.arange(48.0) // 6 % 4)  # each row twice with each of four targets
    run = own_run(of={"training": training, "test": labelled(coded)})
    (finding,) = SharedRows().look(observe(linear, run=run))
    assert finding.severity is Severity.INFO
    assert finding.numbers["agree"] == 0.25
    run = own_run(of={"training": labelled(coded), "test": labelled(coded)})
    (finding,) = SharedRows().look(observe(linear, run=run))
    assert finding.severity is Severity.WARNING
    assert finding.numbers["agree"] == 1.0
