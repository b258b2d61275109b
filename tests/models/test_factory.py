import functools
import re

import pytest
import torch
from torch import nn

from bridle.errors import ModelError
from bridle.models import Inputs, build, cnn, linear, load_factory, mlp, needs_codes
from bridle.records import Kind

TABLE = Inputs(Kind.TABLE, (4,), 3, continuous=4)
IMAGE = Inputs(Kind.IMAGE, (1, 8, 8), 10)


def make_net():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def make_from_example(example, outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(example.numel(), outputs))


class Net(nn.Module):
    def __init__(self, features: int = 4, *, outputs: int = 3) -> None:
        super().__init__()
        self.layer = nn.Linear(features, outputs)

    def forward(self, x):
        return self.layer(x)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in model.parameters()]).detach()


factories = pytest.mark.parametrize(
    "factory",
    [
        make_net,
        make_from_example,
        lambda x, n: nn.Linear(len(x), n),
        lambda outputs: nn.Linear(4, outputs),
        lambda inputs: nn.Linear(inputs.shape[0], inputs.outputs),
        lambda: nn.LazyLinear(3),
        functools.partial(mlp, width=8),
        linear,
        Net,
        make_net(),
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.PReLU(), nn.LayerNorm(8), nn.LazyLinear(3)),
    ],
    ids=[
        "plain",
        "example",
        "positional",
        "outputs",
        "inputs",
        "lazy",
        "partial",
        "linear",
        "class",
        "instance",
        "norms",
    ],
)


@factories
def test_every_form_builds_a_network_in_training_mode(factory):
    model = build(factory, TABLE, seed=0)
    assert model.training
    assert model(torch.zeros(5, 4)).shape == (5, 3)


@factories
def test_the_same_seed_gives_the_same_weights_and_the_global_state_is_left_alone(factory):
    before = torch.get_rng_state()
    first = build(factory, TABLE, seed=3)
    torch.testing.assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    torch.rand(7)
    again, other = build(factory, TABLE, seed=3), build(factory, TABLE, seed=4)
    assert torch.equal(weights(first), weights(again))
    if factory is not linear:
        assert not torch.equal(weights(first), weights(other))


def test_an_instance_is_copied_and_starts_afresh():
    instance = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    with torch.no_grad():
        instance[0].weight.fill_(7.0)
        instance[1].running_mean.fill_(5.0)
    model = build(instance, TABLE, seed=0)
    assert model is not instance
    assert float(model[0].weight.detach().abs().max()) <= 0.5
    assert not model[1].running_mean.any()
    assert float(instance[0].weight.detach().min()) == 7.0


def test_an_instance_of_a_default_net_gets_its_own_start():
    inputs = Inputs(Kind.TABLE, (1,), 2, continuous=1)
    torch.testing.assert_close(
        weights(build(build(mlp, inputs, seed=5), inputs, seed=1)).std(),
        weights(build(mlp, inputs, seed=1)).std(),
        rtol=0.05,
        atol=0.0,
    )


def test_attention_starts_afresh():
    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.attention(x[:, None], x[:, None], x[:, None])[0][:, 0])

    instance = Attend()
    nn.init.zeros_(instance.attention.in_proj_weight)
    assert build(instance, TABLE, seed=0).attention.in_proj_weight.any()


def test_an_instance_with_parameters_of_its_own_is_refused():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * self.scale

    instance = nn.Sequential(nn.Linear(4, 3), Scaled())
    message = "cannot be re-initialised: Scaled '1' has the parameters ['scale'] and no method reset_parameters. Pass"
    with pytest.raises(ModelError, match=re.escape(message)):
        build(instance, TABLE, seed=0)


def test_an_instance_with_frozen_weights_is_refused():
    instance = make_net()
    instance[0].weight.requires_grad_(False)
    message = "Linear '0' has frozen weights ['weight'], which would become random. Pass a factory instead"
    with pytest.raises(ModelError, match=re.escape(message)):
        build(instance, TABLE, seed=0)


def test_what_is_no_module_is_refused():
    def make_list():
        return [nn.Linear(4, 3)]

    with pytest.raises(ModelError, match=re.escape("make_list must return a torch.nn.Module; got list.")):
        build(make_list, TABLE, seed=0)


def test_a_factory_with_other_arguments_is_refused():
    def make_wide(width, depth, outputs):
        return nn.Linear(width, outputs)

    message = "make_wide needs the arguments width, depth, outputs; a factory is called as make_net(), make_net(example"
    with pytest.raises(ModelError, match=re.escape(message)):
        build(make_wide, TABLE, seed=0)


def test_a_factory_that_fails_is_told():
    def make_broken():
        raise RuntimeError("no weights here")

    with pytest.raises(ModelError, match=r"make_broken failed while it built the network: RuntimeError: no weights"):
        build(make_broken, TABLE, seed=0)


def test_the_output_is_checked():
    with pytest.raises(ModelError, match=re.escape("make_net gave an output of shape (2, 3) for two examples but")):
        build(make_net, Inputs(Kind.TABLE, (4,), 10, continuous=4), seed=0)


def test_a_loss_of_the_users_takes_any_squash():
    squashed = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1))
    with pytest.raises(ModelError, match="Sequential gave a network that ends in a softmax"):
        build(squashed, TABLE, seed=0)
    build(squashed, TABLE, seed=0, custom_loss=True)


def test_who_takes_category_codes():
    assert all(needs_codes(factory) for factory in (mlp, linear, cnn, functools.partial(mlp, width=8)))
    assert needs_codes(lambda inputs: nn.Linear(4, inputs.outputs))
    assert needs_codes(build(mlp, TABLE, seed=0))
    assert needs_codes(build(linear, TABLE, seed=0))
    assert not any(needs_codes(factory) for factory in (make_net, make_from_example, make_net(), Net))


def test_a_factory_is_loaded_by_name(tmp_path, monkeypatch):
    (tmp_path / "loaded_nets.py").write_text("from torch import nn\ndef make_net():\n    return nn.Linear(4, 3)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert build(load_factory("loaded_nets:make_net"), TABLE, seed=0)(torch.zeros(1, 4)).shape == (1, 3)


def test_a_factory_that_cannot_be_loaded_is_the_models_fault():
    with pytest.raises(ModelError, match=re.escape("--model must have the form package.module:name; got 'nets'.")):
        load_factory("nets")
