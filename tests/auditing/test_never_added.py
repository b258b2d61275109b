"""Numbers that never went backward, over the steps of several optimizers; torch is as it was afterwards."""

import sysconfig
import weakref

import pytest
import torch
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks as hooks
from torch.utils.checkpoint import checkpoint

from bridle.auditing.never_added import STEPS, NeverAdded

INPUTS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))


def parts():
    torch.manual_seed(0)
    return nn.ModuleDict({"one": nn.Linear(4, 3), "other": nn.Linear(4, 3)})


def optimizers(model):
    return [torch.optim.SGD(part.parameters(), 0.1) for part in model.values()]


def test_two_optimizers_that_step_in_turn():
    model, follower = parts(), NeverAdded(lambda: [model])
    with follower.noticed():
        for part, optimizer in zip(model.values(), optimizers(model), strict=True):
            part.penalty = part.weight.square().sum()
            (part(INPUTS).mean() + part.penalty).backward()
            optimizer.step()
    assert list(follower.found()) == []


def test_the_second_of_two_optimizers():
    model, follower = parts(), NeverAdded(lambda: [model])
    with follower.noticed():
        for part, optimizer in zip(model.values(), optimizers(model), strict=True):
            part.penalty = part.weight.square().sum()
            (part(INPUTS).mean() + (part.penalty if part is model["one"] else 0)).backward()
            optimizer.step()
    (found,) = follower.found()
    assert (found.names, found.weights, found.of_data) == (("model.other.penalty",), ("other.weight",), False)
    assert (found.count, found.listed) == (1, False)


def test_one_backward_pass_for_two_optimizers():
    model, follower = parts(), NeverAdded(lambda: [model])
    with follower.noticed():
        penalties = {name: part.weight.square().sum() for name, part in model.items()}
        (sum(part(INPUTS).mean() for part in model.values()) + penalties["one"]).backward()
        for optimizer in optimizers(model):
            optimizer.step()
    (found,) = follower.found()
    assert found.names == ("penalties",)
    assert found.weights == ("other.weight",)
    assert found.value == penalties["other"].item()


def test_objects_of_the_user():
    class Trainer:
        def __init__(self):
            self.model = parts()
            self.follower = NeverAdded(lambda: [self.model])

        def train(self):
            optimizer = torch.optim.SGD(self.model.parameters(), 0.1)
            self.penalties = [part.weight.square().sum() for part in self.model.values()]
            self.model["one"](INPUTS).mean().backward()
            with self.follower.noticed():
                optimizer.step()
            return list(self.follower.found())

    (found,) = Trainer().train()
    assert found.names == ("self.penalties",)
    assert found.listed


def test_later_steps_are_not_followed():
    model, follower = parts(), NeverAdded(lambda: [model])
    first, second = optimizers(model)
    with follower.noticed():
        for _ in range(STEPS):
            model["one"](INPUTS).mean().backward()
            first.step()
        model["other"].penalty = model["other"].weight.square().sum()
        model["other"](INPUTS).mean().backward()
        second.step()
    assert list(follower.found()) == []


def test_torch_is_as_it_was():
    before = torch.autograd._engine_run_backward, list(hooks.values())
    with NeverAdded(list).noticed():
        assert torch.autograd._engine_run_backward is not before[0]
        assert list(hooks.values()) != before[1]
    assert (torch.autograd._engine_run_backward, list(hooks.values())) == before


def test_a_number_in_two_places_is_told_once():
    model, follower = parts(), NeverAdded(lambda: [model])
    model.penalty = penalty = model["one"].weight.square().sum()
    with follower.noticed():
        model["one"](INPUTS).mean().backward()
        optimizers(model)[0].step()
    (found,) = follower.found()
    assert (found.names, found.value) == (("model.penalty",), penalty.item())


def test_vectors_are_no_penalties():
    model, follower = parts(), NeverAdded(lambda: [model])
    model.penalties = [model["one"].weight.square().sum(dim=1)]
    with follower.noticed():
        model["one"](INPUTS).mean().backward()
        optimizers(model)[0].step()
    assert list(follower.found()) == []


def test_variables_of_libraries_are_not_read():
    source = "def step(optimizer, weight):\n    penalty = weight.square().sum()\n    optimizer.step()\n"
    space = {}
    exec(compile(source, f"{sysconfig.get_path('purelib')}/library.py", "exec"), space)
    model, follower = parts(), NeverAdded(lambda: [model])
    with follower.noticed():
        model["one"](INPUTS).mean().backward()
        space["step"](optimizers(model)[0], model["one"].weight)
    assert list(follower.found()) == []


@pytest.mark.parametrize("warmup", [3, STEPS + 2])
def test_a_penalty_that_is_added_after_a_warm_up(warmup):
    model, follower = parts(), NeverAdded(lambda: [model])
    optimizer = optimizers(model)[0]
    with follower.noticed():
        for step in range(warmup + 1):
            loss, penalty = model["one"](INPUTS).mean(), model["one"].weight.square().sum()
            if step >= warmup:
                loss = loss + penalty
            loss.backward()
            optimizer.step()
    assert list(follower.found()) == []


def test_weights_that_are_cut_to_another_shape():
    model, follower = parts(), NeverAdded(lambda: [model])
    layer, optimizer = model["one"], optimizers(model)[0]
    with follower.noticed():
        for _ in range(2):
            layer(INPUTS).mean().backward()
            optimizer.step()
            layer.weight.data, layer.bias.data = layer.weight.data[1:], layer.bias.data[1:]
            optimizer.zero_grad()
    assert layer.weight.shape == (1, 4)


def test_no_graph_is_kept_after_the_first_steps():
    model, follower = parts(), NeverAdded(lambda: [model])
    optimizer = optimizers(model)[0]
    with follower.noticed():
        model["one"].penalty = model["one"].weight.square().sum()
        graph = weakref.ref(model["one"].penalty)
        for _ in range(STEPS):
            model["one"](INPUTS).mean().backward()
            optimizer.step()
            model["one"].penalty = None
    assert graph() is None
    assert [one.names for one in follower.found()] == [("model.one.penalty",)]


class Penalised(nn.Linear):
    """A layer that keeps a penalty in each call."""

    def forward(self, inputs):
        self.penalty = self.weight.square().sum()
        return super().forward(inputs)


def test_a_penalty_that_a_checkpoint_computes_once_more():
    model = nn.ModuleDict({"one": Penalised(4, 3), "other": Penalised(4, 3)})
    follower, optimizer = NeverAdded(lambda: [model]), torch.optim.SGD(model.parameters(), 0.1)
    with follower.noticed():
        loss = checkpoint(model["one"], INPUTS, use_reentrant=False).mean() + model["other"](INPUTS).mean()
        (loss + model["one"].penalty).backward()
        optimizer.step()
    assert [one.names for one in follower.found()] == [("model.other.penalty",)]
