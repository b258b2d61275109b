"""Evaluations are told apart by model, loader and training between; copies and loads of weights are noted."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bridle.auditing.evaluations import Evaluations, digest_of
from bridle.auditing.loaders import Loaders
from bridle.auditing.watch import Watch
from bridle.auditing.witnessed import Witnessed

INPUTS, TARGET = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3


@pytest.fixture
def watched():
    """A record of what happens, a model, how to train it and how to evaluate it."""
    record, loaders = Witnessed(), Loaders()
    evaluations = Evaluations(record, loaders)
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def train(inputs=INPUTS, target=TARGET):
        F.cross_entropy(model.train()(inputs), target).backward()
        optimizer.step()

    def evaluate(inputs=INPUTS, target=TARGET, network=model):
        with torch.no_grad():
            scores = network.eval()(inputs)
            F.cross_entropy(scores, target)
            return scores.argmax(1) == target

    with loaders.noticed(), evaluations.noticed(), Watch(record, evaluations=evaluations):
        yield record, model, train, evaluate


def test_one_evaluation_between_trainings(watched):
    record, model, train, evaluate = watched
    train()
    evaluate(INPUTS[:4], TARGET[:4])
    before = digest_of(model)
    evaluate(INPUTS[4:], TARGET[4:])
    train()
    evaluate(INPUTS.flip(0), TARGET.flip(0))
    first, second = record.evaluations
    assert (first.rows, first.phase, first.weights) == (8, 1, before)
    assert first.key == second.key
    assert (second.phase, second.weights == before) == (2, False)
    with torch.no_grad():
        scores = model(INPUTS)
        loss, right = F.cross_entropy(scores, TARGET).item(), (scores.argmax(1) == TARGET).float().mean().item()
    assert second.costs == pytest.approx({"loss": loss, "error": 1 - right})


def test_each_turn_of_a_loader(watched):
    record, _, train, evaluate = watched
    train_loader, val_loader = (DataLoader(TensorDataset(INPUTS, TARGET), batch_size=5) for _ in range(2))
    for batch in train_loader:
        train(*batch)
    for loader in (val_loader, val_loader, train_loader):
        for batch in loader:
            evaluate(*batch)
    assert [one.rows for one in record.evaluations] == [8, 8, 8]
    assert [one.training_rows for one in record.evaluations] == [False, False, True]
    assert record.evaluations[0].names >= {"val_loader", "loader"}
    assert record.evaluations[0].costs == pytest.approx(record.evaluations[2].costs)


def test_tensors_after_a_training_loader(watched):
    record, _, train, evaluate = watched
    for batch in DataLoader(TensorDataset(INPUTS, TARGET), batch_size=4):
        train(*batch)
    rows_of_test = INPUTS[2:]
    evaluate(rows_of_test, TARGET[2:])
    (one,) = record.evaluations
    assert (one.rows, one.training_rows) == (6, False)
    assert "rows_of_test" in one.names
    assert record.trained_rows == []


def test_training_rows_without_a_loader(watched):
    record, _, train, evaluate = watched
    train()
    evaluate()
    train()
    assert len(record.trained_rows) == 8
    assert set(record.trained_rows) == set(record.validations[0])


def test_another_model_is_evaluated(watched):
    record, model, train, evaluate = watched
    train()
    evaluate()
    evaluate(network=copy.deepcopy(model))
    assert [one.model is model for one in record.evaluations] == [True, False]
    assert record.evaluations[0].weights == record.evaluations[1].weights


@pytest.mark.parametrize(
    "copying",
    [
        lambda model: model.state_dict(),
        copy.deepcopy,
        pickle.dumps,
        lambda model: [weight.detach().clone() for weight in model.parameters()],
        lambda model: model.weight.data.numpy(),
    ],
    ids=["state_dict", "deepcopy", "pickle", "clone", "numpy"],
)
@pytest.mark.parametrize("first", [False, True], ids=["after", "before"])
def test_copies_of_weights(watched, copying, first):
    record, model, train, evaluate = watched
    train()
    evaluate()
    train()
    for act in (lambda: copying(model), evaluate) if first else (evaluate, lambda: copying(model)):
        act()
    train()
    evaluate()
    assert [one.kept for one in record.evaluations] == [False, True, False]


def test_loads(watched):
    record, model, train, evaluate = watched
    model.load_state_dict(copy.deepcopy(model.state_dict()))
    train()
    evaluate()
    model.load_state_dict(model.state_dict())
    model.load_state_dict({name: torch.zeros_like(value) for name, value in model.state_dict().items()})
    assert [(load.after, load.itself) for load in record.loads] == [(1, True), (1, False)]
    assert record.loads[0].weights == record.evaluations[0].weights
    assert record.loads[1].weights == digest_of(model)


def test_all_is_put_back():
    before = [nn.Module.state_dict, nn.Module.load_state_dict, nn.Parameter.__deepcopy__, nn.Parameter.__reduce_ex__]
    with Evaluations(Witnessed(), Loaders()).noticed():
        assert nn.Module.state_dict is not before[0]
    assert before == [
        nn.Module.state_dict,
        nn.Module.load_state_dict,
        nn.Parameter.__deepcopy__,
        nn.Parameter.__reduce_ex__,
    ]


def test_digests():
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    other.load_state_dict(one.state_dict())
    assert digest_of(one) == digest_of(other)
    assert digest_of(one.bfloat16()) != digest_of(other)
    assert digest_of(nn.Linear(2, 2, device="meta")) != digest_of(nn.Linear(2, 2, device="meta"))
