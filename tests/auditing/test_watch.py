"""What a step calls is noted, and numbers come out as without it."""

import warnings
from threading import Thread

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.checkpoint import checkpoint

from bridle.auditing.evaluations import Evaluations
from bridle.auditing.loaders import Loaders
from bridle.auditing.watch import Watch, tensors
from bridle.auditing.witnessed import Sum, Witnessed

INPUTS, TARGET = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3


def trained(watched):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters())
    record = Witnessed()

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(INPUTS), TARGET) + 0.1 * sum(w.square().sum() for w in model.parameters())
        loss.backward()
        optimizer.step()

    for _ in range(3):
        if watched:
            with Watch(record):
                step()
        else:
            step()
    return list(model.parameters()), record


def test_nothing_is_changed():
    plain, _ = trained(watched=False)
    watched, record = trained(watched=True)
    torch.testing.assert_close(watched, plain, rtol=0, atol=0)
    assert len(record.losses) == 3
    assert [(sum_.evaluation, sum_.gradient) for sum_ in record.sums] == [(False, True)] * 3
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks
    assert not torch.nn.modules.module._global_forward_hooks_with_kwargs
    assert record.dropouts == set()  # in training it acts as it should


def test_the_model_of_the_first_call():
    record, model = Witnessed(), nn.Linear(4, 3)
    with Watch(record):
        nn.Sequential(model)(INPUTS)
        model(INPUTS.flip(0))
    assert [type(forward.model) for forward in record.forwards] == [nn.Sequential, nn.Linear]
    assert record.forward_of(model) is record.forwards[0]
    assert record.forward_of(nn.Linear(4, 3)) is None


def test_phases():
    record, model = Witnessed(), nn.Linear(4, 3)
    with Watch(record):
        for _ in range(2):
            F.cross_entropy(model.train()(INPUTS), TARGET)
            with torch.no_grad():
                F.cross_entropy(model.eval()(INPUTS), TARGET)
                F.cross_entropy(model(INPUTS[:2]), TARGET[:2])
    assert [call.evaluation for call in record.losses] == [False, True, True] * 2
    assert [len(rows) for rows in record.validations] == [10, 10]
    assert record.validations[0] == record.validations[1]


def test_a_model_always_in_evaluation_mode_is_trained_so():
    record, model = Witnessed(), nn.Linear(4, 3).eval()
    with Watch(record):
        for _ in range(2):
            F.cross_entropy(model(INPUTS), TARGET)
            with torch.no_grad():
                F.cross_entropy(model(INPUTS), TARGET)
    assert [call.evaluation for call in record.losses] == [False, True, False, True]
    assert record.training_calls == []


def test_sums_of_weights_and_loss_only():
    record, model = Witnessed(), nn.Linear(4, 3)
    with Watch(record):
        loss = model(INPUTS).square().mean()
        norm = model.weight.detach().norm()
        _ = loss + 1, norm + 1, loss + loss, norm + norm, loss * norm
        assert record.sums == []
        _ = loss + 2 * norm
    assert record.sums == [Sum(False, False, 2 * norm.item(), loss.item())]


def test_sums_of_evaluations_are_told_from_those_of_training():
    record, model = Witnessed(), nn.Linear(4, 3)

    def summed():
        return F.cross_entropy(model(INPUTS), TARGET) + model.weight.norm()

    def evaluate():
        with torch.no_grad():
            model.eval()
            summed()

    with Watch(record):
        evaluate()  # before any training, as Lightning does
        for _ in range(40):
            model.train()
            loss = summed()
        _ = loss.detach() + model.weight.detach().norm()  # a number to print
        evaluate()
    assert [(one.evaluation, one.gradient) for one in record.sums] == [
        (True, False),
        *[(False, True)] * 16,
        (True, False),
    ]


def test_a_frozen_teacher_in_the_first_step_makes_it_no_evaluation():
    record, model, teacher = Witnessed(), nn.Linear(4, 3), nn.Linear(4, 3).eval()

    def taught():
        with torch.no_grad():
            return teacher(INPUTS).softmax(1)

    with Watch(record):
        F.cross_entropy(model(INPUTS), taught())
        F.cross_entropy(*reversed((taught(), model(INPUTS))))
    assert [call.evaluation for call in record.losses] == [False, False]


def test_the_norm_of_gradients_is_no_penalty():
    record, model = Witnessed(), nn.Linear(4, 3)
    with Watch(record):
        loss = model(INPUTS).square().mean()
        loss.backward()
        _ = loss + model.weight.grad.norm()
    assert record.sums == []


def test_every_penalty_that_is_added_to_a_loss_is_told():
    model, told = nn.Linear(4, 3), []
    with Watch(Witnessed(), penalty_added=told.append):
        loss = F.cross_entropy(model(INPUTS), TARGET)
        norm, size = model.weight.norm(), model.bias.square().sum()
        loss = 0.1 * norm + loss
        loss += size
        norm.backward(retain_graph=True)
        loss.backward()
        loss += model.bias.detach().sum()
    assert [one.item() for one in told] == [(0.1 * norm).item(), size.item(), norm.item()]


def test_paused():
    record, model = Witnessed(), nn.Linear(4, 3)
    with Watch(record) as watch:
        watch.paused = True
        F.cross_entropy(model(INPUTS), TARGET)
    assert record == Witnessed()
    assert watch.trained == []


def test_calls_in_other_threads_are_not_followed():
    model = nn.Linear(4, 3)
    with Watch(Witnessed()) as watch:
        thread = Thread(target=lambda: model(INPUTS))
        thread.start()
        thread.join()
        assert watch.trained == []
        model(INPUTS)
    assert watch.trained == [model]


def test_tensors_of_nested_outputs():
    assert [len(tensor) for tensor in tensors({"a": (INPUTS, [TARGET, 3]), "b": None})] == [8, 8]


def test_losses_of_evaluations_and_training_are_told_apart():
    record, model, trained = Witnessed(), nn.Linear(4, 3), []
    evaluations = Evaluations(record, Loaders())
    with Watch(record, evaluations=evaluations, loss_computed=lambda loss, rows: trained.append((loss.item(), rows))):
        mean = F.cross_entropy(model(INPUTS), TARGET)
        F.mse_loss(model(INPUTS), torch.zeros(8, 3), reduction="sum")
        with torch.no_grad():
            total = F.cross_entropy(model.eval()(INPUTS), TARGET, reduction="sum").item()
    assert trained[0] == (mean.item(), 1)
    assert trained[1][1] == 8
    assert record.evaluations[0].losses == [(total / 8, 8)]


def test_averaged_models_are_noted_and_statistics_taken_anew_are_no_evaluation():
    record, model = Witnessed(), nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    average = AveragedModel(model)
    with Watch(record, evaluations=Evaluations(record, Loaders())):
        F.cross_entropy(model(INPUTS), TARGET)
        update_bn([INPUTS], average)
        assert (record.averaged, record.evaluations) == ([], [])
        with torch.no_grad():
            average.eval()(INPUTS)
            average(INPUTS)
    assert record.averaged == [average]
    assert [one.model for one in record.evaluations] == [average]


def test_tensors_without_numbers_do_not_stop_the_script():
    record, model = Witnessed(), nn.Linear(4, 3)
    with Watch(record, evaluations=Evaluations(record, Loaders())), torch.no_grad():
        scores = torch.func.vmap(lambda row: F.cross_entropy(model.eval()(row[None]), TARGET[:1]))(INPUTS)
        meta = model.to("meta")(INPUTS.to("meta"))
    assert scores.shape == (8,)
    assert meta.is_meta


def test_what_a_checkpoint_calls_once_more_is_none_of_the_scripts_calls():
    record, model = Witnessed(), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    inputs = INPUTS.clone().requires_grad_()
    for reentrant in (False, True):
        with Watch(record) as watch:
            model.forward = lambda x: model[1](checkpoint(model[0], x, use_reentrant=reentrant))  # noqa: B023
            F.cross_entropy(model(inputs), TARGET).backward()
        assert watch.trained == [model]
    assert [forward.model for forward in record.forwards] == [model]
    assert len(record.losses) == 2


def test_calls_that_fail():
    record, model = Witnessed(), nn.Sequential(nn.Linear(4, 3))
    with Watch(record) as watch, warnings.catch_warnings(action="error"):
        with pytest.raises(RuntimeError):
            model(INPUTS[:, :2])
        model(INPUTS)
    assert watch.trained == [model]
    assert [forward.args for forward in record.forwards] == [(INPUTS,)]


def test_numbers_of_a_transformed_function_are_not_kept():
    record, model = Witnessed(), nn.Linear(4, 3)

    def loss(weights, row, target):
        return F.cross_entropy(functional_call(model, weights, (row[None],)), target[None])

    with Watch(record) as watch:
        weights = {name: weight.detach() for name, weight in model.named_parameters()}
        vmap(grad(loss), in_dims=(None, 0, 0))(weights, INPUTS, TARGET)
        F.cross_entropy(model(INPUTS), TARGET).backward()
    assert watch.trained == [model]
    assert [forward.args for forward in record.forwards] == [(INPUTS,)]
    assert [call.target.shape for call in record.losses] == [(8,)]
