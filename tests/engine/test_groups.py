"""What an optimizer's groups hold."""

import torch
from torch.optim import SGD

from bridle.engine.groups import identity, weights_in


def test_the_weights_of_all_groups_in_order():
    first, second, third = (torch.zeros(2, requires_grad=True) for _ in range(3))
    optimizer = SGD([{"params": [second]}, {"params": [first, third]}], 0.1)
    assert [id(weight) for weight in weights_in(optimizer)] == [id(second), id(first), id(third)]


def test_loading_a_state_keeps_them_and_a_new_group_does_not():
    optimizer = SGD([torch.zeros(2, requires_grad=True)], 0.1)
    before = identity(optimizer)
    optimizer.load_state_dict(optimizer.state_dict())
    assert identity(optimizer) == before
    optimizer.add_param_group({"params": [torch.zeros(3, requires_grad=True)]})
    assert identity(optimizer) != before
