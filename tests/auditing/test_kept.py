"""A training goes on after a look into it as if there had been none."""

import random

import numpy as np
import torch
from torch import nn

from bridle.auditing.kept import model_kept, training_kept


def step(model, optimizer):
    optimizer.zero_grad()
    noise = random.random() + np.random.rand()  # noqa: NPY002 - the global one is what is kept
    model(torch.randn(8, 4) + noise).square().mean().backward()
    optimizer.step()


def trained(looked):
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global one is what is kept
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for number in range(3):
        if looked:
            with training_kept(model, optimizer):
                optimizer.param_groups[0]["lr"] = 7.0
                step(model.eval(), optimizer)
            with model_kept(model):
                model(torch.randn(8, 4))
        assert (number > 0) == (len(optimizer.state) > 0)
        step(model, optimizer)
    return model.state_dict(), optimizer.state_dict()


def test_nothing_is_left():
    plain, looked = trained(False), trained(True)
    torch.testing.assert_close(looked[0], plain[0], rtol=0, atol=0)
    torch.testing.assert_close(looked[1]["state"], plain[1]["state"], rtol=0, atol=0)
    assert looked[1]["param_groups"] == plain[1]["param_groups"]
