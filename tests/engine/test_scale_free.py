import pytest
import torch
from torch import nn

from bridle.engine.scale_free import scale_free
from bridle.models import cnn, linear, mlp
from bridle.models.inputs import Inputs
from bridle.records import Kind


def matrices(model):
    return [name for name, weight in model.named_parameters() if weight.ndim > 1]


def drawn(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_batch_normalisation_divides_out_what_is_before_it():
    model = cnn(Inputs(Kind.IMAGE, (1, 8, 8), 10))
    names = matrices(model)
    assert scale_free(model, names, drawn(32, 1, 8, 8)) == names[:-1]
    assert names[-1] == "head.weight"


@pytest.mark.parametrize("factory", [mlp, linear])
def test_other_layers_keep_their_scale_also_where_they_start_from_zero(factory):
    model = factory(Inputs(Kind.TABLE, (6,), 3, continuous=6))
    names = [name for name in matrices(model) if not name.startswith("waves")]
    assert names
    assert scale_free(model, names, drawn(32, 6)) == []


def test_the_network_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 2)).train()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert scale_free(model, ["0.weight", "3.weight"], drawn(8, 4)) == ["0.weight"]
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert [module.training for module in model] == [True, False, True, True]
