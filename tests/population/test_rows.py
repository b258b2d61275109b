"""Some rows of a stack: read as what they are, written where they belong."""

import pytest
import torch

from bridle.population.rows import Rows, for_each, select


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [1, 2], [0, 3], [2], [1, 2, 3]])
def test_reading_adding_and_writing(rows):
    stack = torch.arange(12.0).view(4, 3)
    some = Rows(rows, of=4)
    found = some.of(stack)
    assert torch.equal(found[: len(rows)], stack[rows])
    assert len(found) == max(2, len(rows))
    expected = stack.clone()
    expected[rows] += 1
    some.add(stack, torch.ones_like(found))
    assert torch.equal(stack, expected)
    expected[rows] = 7
    some.write(stack, torch.full_like(found, 7))
    assert torch.equal(stack, expected)


def test_numbers_become_tensors_of_the_kind_of_the_stack():
    some = Rows([1], of=3)
    assert some.stacked([0.5], torch.zeros(1, dtype=torch.float64)).tolist() == [0.5, 0.5]
    assert some.stacked([0.5], torch.zeros(1)).dtype == torch.float32
    assert some.stacked([3], torch.zeros(1)).dtype == torch.int64


def test_copies_keep_the_order_of_memory():
    stack = torch.randn(5, 4, 6).transpose(1, 2)
    picked = select(stack, torch.tensor([3, 1]))
    assert torch.equal(picked, stack[[3, 1]])
    assert picked.stride()[1:] == stack.stride()[1:]


def test_a_function_of_one_member_is_called_for_all():
    assert for_each(lambda a, b: a * b.sum(), torch.tensor([1.0, 2.0]), torch.ones(2, 3)).tolist() == [3.0, 6.0]
