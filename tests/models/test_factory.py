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


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "user_nets"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("from torch import nn\ndef make_net():\n    return nn.Linear(4, 3)\nsize = 3\n")
    (folder / "needy.py").write_text("import no_such_library\n")
    (folder / "broken.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path.parent / "elsewhere"))


@pytest.mark.usefixtures("package")
class TestLoadFactory:
    def test_a_factory_is_found_in_the_working_directory(self):
        factory = load_factory("user_nets.good:make_net")
        assert build(factory, TABLE, seed=0)(torch.zeros(1, 4)).shape == (1, 3)

    @pytest.mark.parametrize("spec", ["user_nets.good", "user_nets.good:", ":make_net", ""])
    def test_the_form(self, spec):
        with pytest.raises(ModelError, match=re.escape(f"must have the form package.module:factory; got {spec!r}.")):
            load_factory(spec)

    @pytest.mark.parametrize("module", ["user_nets.nothing", "no_nets.good"])
    def test_a_missing_module(self, module):
        with pytest.raises(ModelError, match=f"there is no module '{module if 'user' in module else 'no_nets'}'; the"):
            load_factory(f"{module}:make_net")

    def test_a_module_that_lacks_something_itself(self):
        message = "importing 'user_nets.needy' failed: ModuleNotFoundError: No module named 'no_such_library'"
        with pytest.raises(ModelError, match=message):
            load_factory("user_nets.needy:make_net")

    def test_a_module_that_fails(self):
        with pytest.raises(ModelError, match=r"importing 'user_nets.broken' failed: ZeroDivisionError"):
            load_factory("user_nets.broken:make_net")

    def test_a_missing_name_with_the_nearest(self):
        with pytest.raises(ModelError, match=r"has no 'make_nett'. Did you mean 'make_net'\?"):
            load_factory("user_nets.good:make_nett")

    def test_what_cannot_be_called(self):
        with pytest.raises(ModelError, match=r"must be a factory or an nn.Module; got int."):
            load_factory("user_nets.good:size")
