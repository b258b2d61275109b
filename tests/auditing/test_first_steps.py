"""The first step of each optimizer is measured while it is about to be taken, and the training goes on unchanged."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.optim import LBFGS, SGD, AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.optimizer import _global_optimizer_pre_hooks

from bridle.auditing.first_steps import FirstSteps

INPUTS, TARGET = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3


def trained(make, steps=2, closure=False, clip=False, change=None, micro=1, noticed=True, warmup=False, penalty=None):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.2), nn.Linear(6, 3))
    optimizer = make(model.parameters())
    schedule = LambdaLR(optimizer, lambda step: float(step > 0)) if warmup else None
    found = FirstSteps(lambda: [model], nullcontext)

    def gradients():
        optimizer.zero_grad()
        for _ in range(micro):
            loss = nn.functional.cross_entropy(model(INPUTS), TARGET)
            found.loss_computed(loss, 1)
            loss = loss / micro
            if penalty is not None:
                added = penalty(model)
                found.penalty_added(added)
                loss = loss + added
            loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        if change is not None:
            change(model)
        return loss

    with found.noticed() if noticed else nullcontext():
        for _ in range(steps):
            if closure:
                optimizer.step(gradients)
            else:
                gradients()
                optimizer.step()
            if schedule is not None:
                schedule.step()
    return model, found.ledger(optimizer, model)


def decayed(weights):
    return AdamW(weights, 0.01, weight_decay=0.2)


@pytest.mark.parametrize("closure", [False, True])
def test_the_step_is_measured_and_the_training_the_same(closure):
    model, ledger = trained(decayed, closure=closure, clip=True)
    plain, nothing = trained(decayed, closure=closure, clip=True, noticed=False)
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=0, atol=0)
    assert nothing is None
    assert ledger.form == "decoupled"
    assert ledger.data_weight == 1.0
    assert all(entry.decay == pytest.approx(0.2, rel=1e-2) for entry in ledger.entries)
    assert all(entry.clip < 0.1 for entry in ledger.entries)
    assert nn.utils.clip_grad_norm_.__name__ == "clip_grad_norm_"
    assert not _global_optimizer_pre_hooks


def test_the_weight_of_the_loss_with_micro_batches():
    assert trained(decayed, micro=4)[1].data_weight == pytest.approx(1.0)


def l2(model):
    return 0.05 * model[0].weight.square().sum()


def test_a_penalty_in_the_loss():
    model, ledger = trained(decayed, penalty=l2, clip=True)
    plain, _ = trained(decayed, penalty=l2, clip=True, noticed=False)
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=0, atol=0)
    first, *others = ledger.entries
    assert (first.penalty, first.sources) == ("L2", {"loss": pytest.approx(0.1, rel=1e-4)})
    assert first.strength == pytest.approx(0.1 * first.clip, rel=1e-3)
    assert first.clip < 0.5
    assert all(entry.penalty == "" for entry in others)
    assert (ledger.passes, ledger.penalty_passes) == (1, 1)


def test_a_penalty_in_each_micro_batch():
    ledger = trained(decayed, penalty=l2, micro=4)[1]
    assert ledger.entries[0].sources == {"loss": pytest.approx(0.4, rel=1e-4)}
    assert (ledger.passes, ledger.penalty_passes, ledger.root, ledger.data_weight) == (4, 4, 1.0, pytest.approx(1.0))


def test_a_penalty_that_never_goes_backward():
    found = FirstSteps(lambda: [model], nullcontext)
    model = nn.Linear(4, 3)
    optimizer = SGD(model.parameters(), 0.1)
    with found.noticed():
        found.penalty_added(model.weight.square().sum())
        model(INPUTS).mean().backward()
        optimizer.step()
    assert found.ledger(optimizer, model).entries[0].penalty == ""


@pytest.mark.parametrize("lost", [False, True])
def test_a_gradient_scaler_is_divided_out(lost):
    found = FirstSteps(lambda: [model], nullcontext)
    model, scaler = nn.Linear(4, 3), torch.amp.GradScaler("cpu", init_scale=64.0)
    optimizer = SGD(model.parameters(), 0.1)
    unscale = torch.amp.GradScaler._unscale_grads_
    with found.noticed():
        loss, penalty = nn.functional.cross_entropy(model(INPUTS), TARGET), 6.4 * model.weight.square().sum()
        found.loss_computed(loss, 1)
        found.penalty_added(penalty)
        (scaler.scale(loss) + penalty if lost else scaler.scale(loss + penalty)).backward()
        scaler.step(optimizer)
    ledger = found.ledger(optimizer, model)
    assert ledger.entries[0].sources == {"loss": pytest.approx(0.2 if lost else 12.8, rel=1e-4)}
    assert (ledger.scale, ledger.scaled, ledger.data_weight) == (64.0, float(lost), pytest.approx(1.0))
    assert ledger.root == (1 / 64 if lost else 1.0)
    assert torch.amp.GradScaler._unscale_grads_ is unscale


def test_gradients_changed_by_hand_are_not_taken_for_clipped():
    ledger = trained(decayed, clip=True, change=lambda model: model[0].weight.grad.add_(1.0))[1]
    assert [entry.name for entry in ledger.entries if entry.clip == 1.0] == ["0.weight"]


def test_a_step_that_moves_nothing_is_passed_over():
    assert trained(decayed, steps=1, warmup=True)[1] is None
    ledger = trained(decayed, steps=2, warmup=True)[1]
    assert all(entry.rate == 0.01 for entry in ledger.entries)


def test_an_optimizer_that_needs_its_closure_is_left_out():
    model, ledger = trained(LBFGS, closure=True)
    plain, _ = trained(LBFGS, closure=True, noticed=False)
    assert ledger is None
    torch.testing.assert_close(model.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_another_model_has_no_ledger():
    other = nn.Linear(2, 2)
    found = FirstSteps(lambda: [other], nullcontext)
    weight = nn.Parameter(torch.ones(2))
    optimizer = SGD([weight], 0.1)
    with found.noticed():
        weight.sum().backward()
        optimizer.step()
    assert found.ledger(optimizer, other) is None


def test_gradients_that_the_script_asks_for_itself_are_no_part_of_the_step():
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    optimizer, found = SGD(model.parameters(), 0.1), FirstSteps(lambda: [model], nullcontext)
    with found.noticed():
        penalty = 0.05 * model.weight.square().sum()
        loss = nn.functional.cross_entropy(model(INPUTS), TARGET)
        found.loss_computed(loss, 1)
        found.penalty_added(penalty)
        torch.autograd.grad(loss + penalty, list(model.parameters()), retain_graph=True)
        (loss + penalty).backward()
        optimizer.step()
    ledger = found.ledger(optimizer, model)
    assert ledger.entries[0].sources == {"loss": pytest.approx(0.1, rel=1e-4)}
    assert (ledger.data_weight, ledger.passes, ledger.penalty_passes) == (1.0, 1, 1)
