"""Stacks: what goes in for each member comes out again, whatever was done to the rows in between."""

import pytest
import torch
from torch import nn

from bridle.population.stack import ALIGNED, Stack, aligned, stored_transposed


@pytest.fixture
def members():
    def make(count, seed=0):
        source = torch.Generator().manual_seed(seed)

        def one():
            weights = {"a.weight": torch.randn(3, 5, generator=source), "a.bias": torch.randn(3, generator=source)}
            average = {f"average.{name}": value + 1 for name, value in weights.items()}
            return {
                "weights": weights,
                "buffers": {"mean": torch.randn(7, generator=source), "seen": torch.randint(9, (), generator=source)},
                "average0": average | {"steps": torch.randint(9, (), generator=source)},
            }

        return [one() for _ in range(count)]

    return make


@pytest.fixture
def same():
    def check(stack, row, member):
        found = stack.member(row)
        assert found.keys() == member.keys()
        for part, tensors in member.items():
            for name, value in tensors.items():
                assert torch.equal(found[part][name], value), (part, name)

    return check


@pytest.fixture
def stack(members):
    return Stack.of(members(4), frozenset({"a.weight"}))


def test_members_come_out_as_they_went_in(stack, members, same):
    assert len(stack) == 4
    for row, member in enumerate(members(4)):
        same(stack, row, member)


def test_linear_weights_are_stored_transposed_and_shown_as_declared(stack):
    assert stack.parts["weights"]["a.weight"].shape == (4, 5, 3)
    assert stack.shown("weights")["a.weight"].shape == (4, 3, 5)
    assert stack.shown("average0")["average.a.weight"].shape == (4, 3, 5)
    assert stack.parts["average0"]["average.a.weight"].shape == (4, 5, 3)


def test_rows_are_filled_up_to_vectors_but_for_buffers(stack):
    assert stack.flat["weights"]["a.weight"].shape == (4, ALIGNED)
    assert stack.flat["weights"]["a.weight"][:, 15:].eq(0).all()
    assert stack.flat["buffers"]["mean"].shape == (4, 7)
    assert aligned(torch.ones(2, 8, 8)).shape == (2, 64)


def test_rows_are_taken_joined_and_put_back(stack, members, same):
    own = members(4)
    taken = stack.take([2, 0, 2])
    for row, number in enumerate([2, 0, 2]):
        same(taken, row, own[number])
    both = Stack.joined([taken, stack.take([3])])
    same(both, 3, own[3])
    other = members(2, seed=1)
    stack.put(1, Stack.of(other, stack.transposed), 2)
    for row, member in enumerate([own[0], *other, own[3]]):
        same(stack, row, member)


def test_a_view_shares_memory_and_a_copy_does_not(stack):
    stack.view(1, 3).parts["weights"]["a.bias"].zero_()
    assert stack.parts["weights"]["a.bias"][1:3].eq(0).all()
    assert stack.parts["weights"]["a.bias"][3].ne(0).all()
    stack.take([3]).parts["weights"]["a.bias"].zero_()
    assert stack.parts["weights"]["a.bias"][3].ne(0).all()
    assert stack.view(0, 4) is stack


def test_only_weights_of_linear_layers_alone_are_stored_transposed():
    model = nn.ModuleDict({"first": nn.Linear(4, 6), "table": nn.Embedding(6, 4), "tied": nn.Linear(4, 6, bias=False)})
    model["tied"].weight = model["table"].weight
    assert stored_transposed(model) == {"first.weight"}
