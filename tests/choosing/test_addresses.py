import pytest

from bridle.choosing._addresses import matters, middle, whole_numbers
from bridle.core import Recipe, Training, between, choice
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping

SPACE = Recipe(
    L2(between(1e-6, 1e-2)),
    Dropout(rate=between(0.0, 0.5), label="head.first"),
    EarlyStopping(patience=between(2, 11)),
    training=Training(epochs=between(10, 1000), batch_size=choice(8, 16, 32, 64)),
)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("l2.strength", 1e-4),
        ("head.first.rate", 0.25),
        ("early_stopping.patience", 6),
        ("training.epochs", 100),
        ("training.batch_size", 32),
    ],
)
def test_the_middle_is_taken_on_the_dials_own_scale(address, expected):
    value = middle(SPACE, address)
    assert value == pytest.approx(expected)
    assert type(value) is type(expected)


def test_whole_numbers_are_found_by_their_address():
    assert {"training.epochs", "training.batch_size", "early_stopping.patience"} <= whole_numbers(SPACE)
    assert not {"training.learning_rate", "l2.strength", "head.first.rate"} & whole_numbers(SPACE)


def test_a_dial_matters_unless_its_regularizer_is_left_out():
    assert matters("l2.strength", {})
    assert matters("l2.strength", {"l2.active": True, "dropout.active": False})
    assert matters("l2.active", {"l2.active": False})
    assert not matters("l2.strength", {"l2.active": False})
    assert not matters("head.first.rate", {"head.first.active": False})
