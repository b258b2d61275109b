"""Which rows are compared: loaders, or the rows of a run."""

import torch

from bridle.auditing.checks._sides import sides_of

ROWS = [torch.eye(3)]


def test_the_loaders_of_a_training(observe, linear, batches):
    observed = observe(linear, val_loader=batches(1))
    sides = sides_of(observed)
    assert (sides.training, sides.held_out, sides.name) == (observed.loader, observed.val_loader, "validation")
    assert sides_of(observe(linear)) is None
    assert sides_of(observe(linear, val_loader=iter(ROWS))) is None


def test_the_rows_of_a_run(observe, linear, own_run, batches):
    sides = sides_of(observe(linear, run=own_run(of={"training": ROWS, "test": [*ROWS, *ROWS]})))
    assert (sides.training, sides.held_out, sides.name) == (ROWS, [*ROWS, *ROWS], "test")
    assert sides_of(observe(linear, val_loader=batches(1), run=own_run(of={"training": ROWS}))) is None
