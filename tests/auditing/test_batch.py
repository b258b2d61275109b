"""A step that takes a batch gets a copy of the first, each time."""

from collections import namedtuple
from functools import partial

import pytest
import torch

from bridle.auditing.batch import bound
from bridle.errors import AuditError

Pair = namedtuple("Pair", "inputs targets")


def test_a_step_without_arguments_is_itself():
    def step(flag=1, *, other=2):
        return flag, other

    assert bound(step, None) is step
    assert bound(print, None) is print  # its arguments cannot be told


def test_the_first_batch_each_time_as_a_copy():
    batch = [torch.ones(2), {"targets": torch.zeros(2), "names": ["a"]}, (torch.ones(1), 3), "text"]
    seen = []

    def step(given):
        seen.append(given[0].sum().item())
        for tensor in (given[0], given[1]["targets"], given[2][0]):
            tensor.add_(5)
        return given

    run = bound(step, [batch, None])
    assert run()[2][1] == 3
    assert run()[3] == "text"
    assert seen == [2.0, 2.0]
    assert float(batch[0].sum() + batch[1]["targets"].sum() + batch[2][0].sum()) == 3.0


def test_a_named_pair_stays_one():
    assert isinstance(bound(lambda batch: batch, [Pair(torch.ones(1), torch.ones(1))])(), Pair)


def test_what_is_refused():
    with pytest.raises(
        AuditError, match=r"no loader to give it one\. Write audit\(model, optimizer, step, train_loader\)"
    ):
        bound(lambda _: None, None)
    with pytest.raises(AuditError, match=r"it takes 2\. Wrap it: lambda batch: step\(model, batch\)"):
        bound(lambda _, __: None, [1])
    with pytest.raises(AuditError, match="The loader gives no batch"):
        bound(lambda _: None, [])
    assert bound(partial(lambda _, batch: batch, None), [7])() == 7
