import torch

from bridle.core import scope
from bridle.models import Inputs, build, linear
from bridle.records import Kind

TABLE = Inputs(Kind.TABLE, (5,), 3, continuous=2, indicators=1, cardinalities=(3, 4))
ROWS = torch.tensor([[0.5, -1.0, 0.0, 2.0, 0.0], [1.5, 2.0, 1.0, 1.0, 3.0]])


def test_the_output_is_the_weights_of_the_numbers_plus_one_weight_per_category():
    model = build(linear, TABLE, seed=0)
    weight = torch.arange(30.0).reshape(3, 10)
    with torch.no_grad():
        model.head.weight.copy_(weight)
        model.head.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    one_hot = torch.tensor([[0.5, -1.0, 0, 0, 0, 1, 1, 0, 0, 0], [1.5, 2.0, 1, 0, 1, 0, 0, 0, 0, 1]])
    torch.testing.assert_close(model(ROWS), one_hot @ weight.T + torch.tensor([1.0, 2.0, 3.0]))


def test_it_starts_from_zero_and_a_penalty_reaches_all_weights():
    model = build(linear, TABLE, seed=0)
    assert not any(weight.any() for weight in model.parameters())
    assert scope.resolve(model, "matrices") == ["head.weight"]


def test_a_table_of_categories_only_and_one_of_numbers_only():
    categories = Inputs(Kind.TABLE, (2,), 2, cardinalities=(3, 4))
    assert build(linear, categories, seed=0)(torch.tensor([[2.0, 3.0]])).shape == (1, 2)
    numbers = Inputs(Kind.TABLE, (2,), 1, continuous=2)
    assert build(linear, numbers, seed=0)(torch.ones(4, 2)).shape == (4, 1)


def test_an_image_is_one_row_of_numbers():
    model = build(linear, Inputs(Kind.IMAGE, (3, 4, 5), 10), seed=0)
    assert model.head.weight.shape == (10, 60)
    assert model(torch.ones(2, 3, 4, 5)).shape == (2, 10)


def test_a_stack_equals_each_alone(assert_stacks):
    assert_stacks(linear, TABLE, ROWS.double().expand(3, 2, 5))
