"""A forward pass repeated: the same global draws, buffers as before."""

import torch
from torch import nn

from bridle.core.draws import seeded
from bridle.engine.again import Again


def test_the_second_pass_draws_and_counts_as_the_first():
    with seeded("again"):
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
        again = Again(model)
        first = model(torch.ones(8, 3).cumsum(0))
        after, state = {name: value.clone() for name, value in model.named_buffers()}, torch.get_rng_state()
        with again():
            second = model(torch.ones(8, 3).cumsum(0))
            assert model[1].num_batches_tracked == 2
        assert torch.equal(first, second)
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(value, after[name]) for name, value in model.named_buffers())
        assert model[1].num_batches_tracked == 1


def test_buffers_come_back_after_an_error():
    model = nn.BatchNorm1d(2).train()
    again = Again(model)
    try:
        with again():
            model(torch.ones(4, 2))
            raise KeyError
    except KeyError:
        assert model.num_batches_tracked == 0
