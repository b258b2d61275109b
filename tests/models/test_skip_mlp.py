import torch
from torch.nn import functional

from bridle.core import scope
from bridle.models import Inputs, build
from bridle.models.skip_mlp import skip_mlp
from bridle.records import Kind

TABLE = Inputs(Kind.TABLE, (5,), 3, continuous=2, indicators=1, cardinalities=(3, 4))
ROWS = torch.tensor([[0.5, -1.0, 0.0, 2.0, 0.0], [1.5, 2.0, 1.0, 1.0, 3.0]])
ONE_HOT = torch.tensor([[0.5, -1.0, 0, 0, 0, 1, 1, 0, 0, 0], [1.5, 2.0, 1, 0, 1, 0, 0, 0, 0, 1]])


def test_the_output_is_a_skip_plus_one_hidden_layer():
    net = build(skip_mlp, TABLE, seed=0)
    weights = dict(net.named_parameters())
    hidden = functional.relu(ONE_HOT @ weights["first.weight"].T + weights["first.bias"])
    expected = ONE_HOT @ weights["skip.weight"].T + weights["skip.bias"] + hidden @ weights["head.weight"].T
    torch.testing.assert_close(net(ROWS), expected)


def test_the_scope_of_the_hierarchical_lasso_finds_skip_and_first_layer_in_this_order():
    net = build(skip_mlp, TABLE, seed=0)
    assert scope.resolve(net, {"names": ("skip.weight", "first.weight")}) == ["skip.weight", "first.weight"]


def test_the_codes_of_a_category_are_one_feature():
    assert build(skip_mlp, TABLE, seed=0).features == (0, 1, 2, 3, 3, 3, 4, 4, 4, 4)


def test_an_image_is_one_row_of_numbers():
    net = build(skip_mlp, Inputs(Kind.IMAGE, (1, 2, 3), 2), seed=0)
    assert net(torch.ones(4, 1, 2, 3)).shape == (4, 2)
    assert net.features == tuple(range(6))


def test_a_stack_equals_each_alone(assert_stacks):
    assert_stacks(skip_mlp, TABLE, torch.stack([ROWS, ROWS.flip(0), ROWS]).double())
