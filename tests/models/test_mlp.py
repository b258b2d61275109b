import math

import pytest
import torch

from bridle.core import scope
from bridle.models import Inputs, build, mlp, places
from bridle.models.mlp import Waves
from bridle.records import Kind

TABLE = Inputs(Kind.TABLE, (7,), 3, continuous=4, indicators=1, cardinalities=(3, 4))


def rows(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(count, 4, generator=generator)
    missing = torch.randint(2, (count, 1), generator=generator)
    codes = [torch.randint(size, (count, 1), generator=generator) for size in (3, 4)]
    return torch.cat([numbers, missing, *codes], dim=1)


def test_a_stack_equals_each_alone(assert_stacks):
    assert_stacks(mlp, TABLE, torch.stack([rows(6).double() + 0.0, rows(6).double(), rows(6).double()]))


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs(Kind.TABLE, (3,), 2, continuous=3),
        Inputs(Kind.TABLE, (3,), 2, indicators=3),
        Inputs(Kind.TABLE, (2,), 1, cardinalities=(3, 1000)),
    ],
    ids=["numbers", "indicators", "categories"],
)
def test_any_kind_of_column_may_be_absent(inputs):
    assert build(mlp, inputs, seed=0)(torch.zeros(5, *inputs.shape)).shape == (5, inputs.outputs)


def test_each_row_is_predicted_alone():
    model, table = build(mlp, TABLE, seed=0), rows(6)
    torch.testing.assert_close(model(table)[2:3], model(table[2:3]))


def test_every_weight_gets_a_gradient():
    model = build(mlp, TABLE, seed=0)
    model(rows(64)).logsumexp(dim=1).sum().backward()
    assert [name for name, weight in model.named_parameters() if not weight.grad.any()] == []


def test_penalties_on_matrices_leave_the_embeddings_alone():
    model = build(mlp, TABLE, seed=0)
    assert scope.resolve(model, "first_layer") == ["first.weight"]
    assert set(scope.resolve(model, "embeddings")) >= {"table.weight", "waves.frequencies.weight"}
    assert not set(scope.resolve(model, "embeddings")) & set(scope.resolve(model, "matrices"))


def test_noise_has_a_place_in_every_block_and_before_the_head():
    names = list(places(build(mlp, TABLE, seed=0)))
    assert names[-1] == "place"
    assert all(name.startswith("blocks.") for name in names[:-1])


def test_waves_are_the_formula():
    waves = Waves(features=2, frequencies=3, width=2, scale=0.5).double().requires_grad_(False)
    x = torch.tensor([[0.3, -1.2]], dtype=torch.float64)
    expected = [0.3, -1.2]
    for feature in range(2):
        angles = x[0, feature] * waves.frequencies.weight[feature] + waves.phases.weight[feature]
        cosines = [math.cos(2 * math.pi * float(angle)) for angle in angles]
        mixing = waves.mixing.weight[feature].reshape(3, 2)
        for column in range(2):
            value = sum(cosines[k] * float(mixing[k, column]) for k in range(3))
            expected.append(max(0.0, value + float(waves.shifts.weight[feature, column])))
    torch.testing.assert_close(waves(x), torch.tensor([expected], dtype=torch.float64))
