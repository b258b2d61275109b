"""After an undone step everything is as it was, bit for bit and in the same objects."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import LBFGS, SGD, Adam, AdamW
from torch.optim.lr_scheduler import StepLR

from bridle.auditing.undo import Undo
from bridle.core import Recipe
from bridle.engine.attach import attach
from bridle.regularizers.penalties import L1
from bridle.regularizers.terms import ActivationL2

COUNT = 0
TOTALS = {"steps": 0}


def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))


def problem():
    source = torch.Generator().manual_seed(1)
    return torch.randn(16, 6, generator=source), torch.randint(0, 3, (16,), generator=source)


def objects(model, optimizer):
    """What must stay the same object."""
    held = [*model.parameters(), *model.buffers(), *(p.data_ptr() for p in model.parameters())]
    held += [p.grad for p in model.parameters()]
    held += [value for state in optimizer.state.values() for value in state.values()]
    return [item if isinstance(item, int) else id(item) for item in held if not isinstance(item, float)]


def contents(model, optimizer):
    """Copies of what must stay the same bits."""
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    flags = [p.requires_grad for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    states = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002
    return copy.deepcopy([model.state_dict(), optimizer.state_dict(), grads, flags, modes, states])


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def disturb(model, optimizer):
    """A step and everything else that a step may do."""
    inputs, targets = problem()
    optimizer.zero_grad()
    model.train()
    loss = cross_entropy(model(inputs), targets) + random.random() + np.random.rand() + torch.rand(())  # noqa: NPY002
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    optimizer.param_groups[0]["lr"] *= 0.5
    model[0].weight.requires_grad_(False)
    model[4].bias.data = torch.ones(3)
    model[0].bias.grad = None
    model.eval()
    model[1].running_mean = torch.zeros(8)
    model.note = "seen"


@pytest.mark.parametrize("make", [SGD, Adam, AdamW], ids=lambda make: make.__name__)
@pytest.mark.parametrize("trained", [False, True], ids=["fresh", "after two steps"])
def test_a_step_is_undone(make, trained):
    model = net()
    optimizer = make(model.parameters(), 0.1, **({"momentum": 0.9} if make is SGD else {}))
    for _ in range(2 if trained else 0):
        optimizer.zero_grad()
        cross_entropy(model(problem()[0]), problem()[1]).backward()
        optimizer.step()
    before, held = contents(model, optimizer), objects(model, optimizer)
    with Undo(model, optimizer) as undo:
        disturb(model, optimizer)
        assert not same(before, contents(model, optimizer))
        undo.restore()
        assert same(before, contents(model, optimizer))
        disturb(model, optimizer)
    assert same(before, contents(model, optimizer))
    assert objects(model, optimizer) == held
    assert not hasattr(model, "note")


def test_an_error_is_undone():
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    before = contents(model, optimizer)

    def halfway():
        with Undo(model, optimizer):
            disturb(model, optimizer)
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        halfway()
    assert same(before, contents(model, optimizer))


def test_the_lists_of_lbfgs_are_undone():
    model = net()
    optimizer = LBFGS(model.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(model.eval()(problem()[0]), problem()[1])
        loss.backward()
        return loss

    optimizer.step(closure)
    before = contents(model, optimizer)
    with Undo(model, optimizer):
        optimizer.step(closure)
        assert not same(before, contents(model, optimizer))
    assert same(before, contents(model, optimizer))


def test_what_the_step_reaches_is_undone():
    model, own = net(), torch.Generator().manual_seed(3)
    optimizer = SGD(model.parameters(), 0.1)
    schedule = StepLR(optimizer, 1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=1)
    handle = attach(model, optimizer, Recipe(L1(1e-3)))
    numbers, calls, losses = np.random.default_rng(0), 0, []
    stream = iter(range(5))

    def step():
        global COUNT
        nonlocal calls
        COUNT, calls = COUNT + 1, calls + 1
        TOTALS["steps"] += 1
        optimizer.zero_grad()
        scaler.scale(cross_entropy(model(problem()[0]), problem()[1])).backward()
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        losses.append(numbers.random() + torch.rand((), generator=own) + next(stream))

    def everything():
        states = [own.get_state(), numbers.bit_generator.state["state"], scaler.state_dict(), schedule.state_dict()]
        return [*contents(model, optimizer), *states, COUNT, calls, TOTALS["steps"], handle.step, len(losses)]

    scaler.scale(torch.ones(()))
    before = everything()
    with Undo(model, optimizer, step) as undo:
        step()
        assert scaler.get_scale() == 8.0
    assert same(before, everything())
    assert undo.scalers == [scaler]
    assert undo.unrestored[0] == "The iterator 'stream' (range_iterator) moved on with each run of the step."


def test_a_scaler_out_of_sight_is_given():
    model = net()
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(torch.ones(()))
    with Undo(model, SGD(model.parameters(), 0.1), scaler=scaler):
        scaler.update(2.0)
        assert scaler.get_scale() == 2.0
    assert scaler.get_scale() == 4.0


def test_a_sparse_gradient_is_undone():
    model = nn.Embedding(5, 2, sparse=True)
    model(torch.tensor([1, 1, 3])).sum().backward()
    before, gradient = model.weight.grad.to_dense().clone(), model.weight.grad
    with Undo(model, SGD(model.parameters(), 0.1)):
        model(torch.tensor([0])).sum().backward()
        model.weight.grad.mul_(2)
    assert model.weight.grad is gradient
    assert torch.equal(model.weight.grad.to_dense(), before)


def looked_at(model, optimizer, looked):
    """Three steps, with a look into the training before each if asked."""
    for _ in range(3):
        if looked:
            with Undo(model, optimizer):
                disturb(model, optimizer)
            with Undo(optimizer=optimizer):
                optimizer.zero_grad()
                optimizer.step()
            with Undo(model):
                model(problem()[0])
            with Undo():
                torch.rand(()), random.random(), np.random.rand()  # noqa: NPY002
        optimizer.zero_grad()
        noise = random.random() + np.random.rand()  # noqa: NPY002
        cross_entropy(model(problem()[0] + noise), problem()[1]).backward()
        optimizer.step()
    return contents(model, optimizer)


def test_a_training_goes_on_as_if_nobody_had_looked():
    found = []
    for looked in (False, True):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        model = net()
        found.append(looked_at(model, Adam(model.parameters(), 0.1), looked))
    assert same(*found)


def test_a_sparse_gradient_that_gets_other_rows():
    embedding, rows = nn.Embedding(9, 3, sparse=True), torch.tensor([1, 4])
    embedding(rows).sum().backward()
    gradient = embedding.weight.grad
    before = gradient.to_dense()
    with Undo(embedding):
        embedding(torch.tensor([0, 2, 7])).sum().backward()
        embedding.weight.grad.mul_(3)
    assert embedding.weight.grad is gradient
    torch.testing.assert_close(gradient.to_dense(), before, rtol=0, atol=0)


def test_what_loss_terms_have_seen():
    model = net()
    optimizer = SGD(model.parameters(), 0.1)
    handle = attach(model, optimizer, Recipe(ActivationL2(0.1, scope={"names": "0"})))
    before = dict(vars(handle._terms))
    with Undo(model, optimizer):
        model(problem()[0])
        assert vars(handle._terms)["_captured"] is not before["_captured"]
    assert vars(handle._terms) == before
