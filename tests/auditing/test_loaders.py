"""Loaders for validation are told by the names that people give them."""

import sys

import pytest
from torch.utils.data import DataLoader

from bridle.auditing.loaders import VALIDATION, Loaders, names_of, spaces

A, B = DataLoader([1]), DataLoader([2])


@pytest.mark.parametrize(
    "name", ["val_loader", "validation", "testloader", "x_test", "dev", "eval_dl", "holdout", "hold_out"]
)
def test_names_of_validation(name):
    assert VALIDATION.search(name)


@pytest.mark.parametrize("name", ["train", "loader", "values", "device", "interval", "latest", "retrieval"])
def test_other_names(name):
    assert not VALIDATION.search(name)


def test_validation_comes_before_test():
    assert Loaders().named_for_validation([{"test": A, "phases": {"val": B}}]) is B
    assert Loaders().named_for_validation([{"test": A, "other": B}]) is A
    assert Loaders().named_for_validation([{"other": B}]) is None


def test_what_was_begun_last():
    loaders = Loaders()
    with loaders.noticed():
        list(A)
        loaders.trains()
        loaders.validates()
        assert loaders.validation is None
        list(B)
        loaders.validates()
    assert (loaders.training, loaders.validation) == (A, B)
    assert loaders.named_for_validation([{"val": A}]) is None


def test_variables_of_running_functions():
    class Trainer:
        def __init__(self):
            self.val_loader = A

        def fit(self):
            return spaces(sys._getframe())

    assert Loaders().named_for_validation(Trainer().fit()) is A


def test_turns():
    loaders = Loaders()
    with loaders.noticed():
        assert loaders.turn is None
        iter(A)
        first = loaders.turn
        assert first.loader is A
        loaders.trains()
        assert loaders.turn is None
        iter(A)
        assert loaders.turn.loader is A
        assert loaders.turn is not first


def test_names_of_a_value():
    class Trainer:
        def __init__(self):
            self.val_loader = A

    found = names_of(A, [{"self": Trainer(), "other": Trainer(), "B": B}, {"phases": {"val": A, 3: A}, "x": A}])
    assert sorted(found) == ["val", "val_loader", "x"]
