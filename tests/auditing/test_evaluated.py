"""The step is run once and undone; the model is called as the step called it, or with the loader's inputs."""

import pytest
import torch
from torch import nn

from bridle.auditing.evaluated import call_of, evaluated, witnessed
from bridle.auditing.observed import Observed


class Counted:
    """A step that counts its calls."""

    def __init__(self, takes_batch):
        self.model = nn.Linear(2, 1)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.calls = 0
        self.step = self.with_batch if takes_batch else self.alone

    def with_batch(self, batch, scale=2.0):
        self.calls += 1
        self.optimizer.zero_grad()
        self.model(scale * batch[0]).sum().backward()
        self.optimizer.step()

    def alone(self):
        self.with_batch((torch.ones(4, 2),))


@pytest.mark.parametrize("takes_batch", [True, False])
def test_the_step_is_run_once_and_undone(takes_batch):
    counted = Counted(takes_batch)
    before = counted.model.weight.detach().clone()
    observed = Observed(counted.model, counted.optimizer, counted.step, [(torch.ones(4, 2),)])
    assert witnessed(observed) is witnessed(observed)
    assert counted.calls == 1
    torch.testing.assert_close(counted.model.weight.detach(), before, rtol=0, atol=0)
    assert counted.model.weight.grad is None
    assert not counted.optimizer.state
    torch.testing.assert_close(call_of(observed).args[0], torch.full((4, 2), 2.0))


def test_the_inputs_of_the_loader_where_the_step_calls_another_model():
    counted, other = Counted(takes_batch=False), nn.Linear(2, 3)
    observed = Observed(other, counted.optimizer, counted.step, [(torch.zeros(5, 2), torch.ones(5))])
    torch.testing.assert_close(call_of(observed).args[0], torch.zeros(5, 2))
    assert not evaluated(observed).differs


def test_nothing_is_known_without_step_and_loader():
    counted = Counted(takes_batch=False)
    assert evaluated(Observed(nn.Linear(2, 3), counted.optimizer, None)) is None


def test_a_model_that_refuses_its_inputs_is_not_judged():
    counted = Counted(takes_batch=False)
    observed = Observed(nn.Linear(7, 3), counted.optimizer, None, [torch.zeros(5, 2)])
    assert evaluated(observed) is None
