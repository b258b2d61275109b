"""Hooks that silence, record, replay and halve what modules give."""

from collections import namedtuple

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from bridle.auditing.outputs import Outputs, over, tensors, watched
from bridle.auditing.trace import Plan, Trace

Given = namedtuple("Given", "first second")


def test_values_are_built_anew_in_their_own_types():
    one, two = torch.ones(1), torch.zeros(1)
    value = {"a": [one, "x"], "b": Given((two,), None)}
    doubled = over(value, lambda tensor: tensor + 1)
    assert isinstance(doubled["b"], Given)
    assert isinstance(doubled["b"].first, tuple)
    assert doubled["a"][1] == "x"
    assert [tensor.item() for tensor in tensors(doubled)] == [2.0, 1.0]
    assert list(tensors(3)) == []


def test_parametrizations_are_weights():
    model = nn.Sequential(weight_norm(nn.Linear(2, 2)), nn.ReLU())
    kinds = [type(module).__name__ for module in watched(model)]
    assert {"Sequential", "ParametrizedLinear", "ReLU"} <= set(kinds)
    assert "ParametrizationList" not in kinds
    assert len(kinds) == 4  # with the mapping that holds the list, which is never called


class Net(nn.Module):
    """A linear map within one, and a weight that is used beside it."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.inner.weight.copy_(torch.eye(2))

    def forward(self, inputs):
        return self.inner(inputs) * 3


@pytest.fixture
def run():
    """``run(plan)``: the outputs of a call, the weight's gradient and the trace."""
    model = Net()

    def once(plan, evaluations=0, inputs=(1.0, 2.0)):
        trace, model.inner.weight.grad = Trace(evaluations=evaluations), None
        outputs = Outputs(model, plan, trace)
        try:
            given = model(torch.tensor([inputs]))
            (given.sum() + model.inner.weight.sum()).backward()
        finally:
            outputs.remove()
        assert not any((*one._forward_hooks, *one._forward_pre_hooks) for one in model.modules())
        return given.detach().flatten().tolist(), model.inner.weight.grad.tolist(), trace

    return once


def test_as_it_is(run):
    given, gradient, trace = run(Plan())
    assert given == [3.0, 6.0]
    assert gradient == [[4.0, 7.0], [4.0, 7.0]]
    assert trace.calls == 1
    assert trace.outputs == []


def test_silence_leaves_what_goes_around_the_modules(run):
    given, gradient, _ = run(Plan(silent=True))
    assert given == [3.0, 6.0]
    assert gradient == [[1.0, 1.0], [1.0, 1.0]]


def test_halves_of_the_outermost_outputs(run):
    assert run(Plan(halve=True))[0] == [1.5, 3.0]


def test_records_of_the_outermost_and_of_all(run):
    assert [one.tolist() for one in run(Plan(record="outputs"))[2].outputs] == [[[3.0, 6.0]]]
    assert [one.tolist() for one in run(Plan(record="all"))[2].outputs] == [[[1.0, 2.0]], [[3.0, 6.0]]]
    assert run(Plan(record="all"), evaluations=1)[2].outputs == []


def test_replays_keep_a_graph_of_zeros(run):
    held = [torch.tensor([[9.0, 9.0]])]
    given, gradient, _ = run(Plan(replay=("outputs", held)))
    assert given == [9.0, 9.0]
    assert gradient == [[1.0, 1.0], [1.0, 1.0]]
    assert run(Plan(replay=("outputs", held)), evaluations=1)[0] == [3.0, 6.0]
    assert run(Plan(replay=("all", held)))[0] == [3.0 * 9, 3.0 * 9]  # what is not recorded stays: the outer one
    assert run(Plan(replay=("outputs", [torch.ones(3)])))[0] == [1.0, 1.0, 1.0]  # of another shape: no graph


def test_a_module_without_tensors_is_not_silenced():
    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def forward(self):
            return self.weight * 2

    table, trace = Table(), Trace()
    outputs = Outputs(table, Plan(silent=True), trace)
    table().sum().backward()
    outputs.remove()
    assert table.weight.grad.tolist() == [2.0, 2.0]
