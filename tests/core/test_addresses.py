import pickle

import pytest

from bridle.core import Recipe, Training, between
from bridle.core.addresses import settings, with_settings
from bridle.errors import DialError, RecipeError
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2

RECIPE = Recipe(
    L2(3e-4), L1(1e-5, label="first", scope="first_layer"), Dropout(between(0.0, 0.5)), training=Training(epochs=7)
)


def test_every_dial_and_setting_has_an_address():
    found = settings(RECIPE)
    assert next(iter(found)) == "training.optimizer"
    assert found["training.epochs"] == 7
    assert found["l2.strength"] == 3e-4
    assert (found["first.strength"], found["first.optional"]) == (1e-5, False)
    assert found["dropout.rate"] == between(0.0, 0.5)
    assert not [address for address in found if address.endswith(".label")]
    assert set(RECIPE.free()) <= set(found)


def test_settings_are_replaced_and_the_rest_stays():
    changed = with_settings(RECIPE, {"l2.strength": 1e-2, "training.epochs": 3, "dropout.rate": 0.1})
    expected = {**settings(RECIPE), "l2.strength": 1e-2, "training.epochs": 3, "dropout.rate": 0.1}
    assert settings(changed) == expected
    assert changed.regularizers[1] == RECIPE.regularizers[1]
    assert not changed.is_space
    assert settings(RECIPE)["l2.strength"] == 3e-4


def test_nothing_changed_is_the_same_recipe():
    assert with_settings(RECIPE, settings(RECIPE)) == RECIPE
    assert with_settings(RECIPE, {}) == RECIPE == pickle.loads(pickle.dumps(RECIPE))


def test_a_number_may_become_free():
    assert with_settings(RECIPE, {"l2.strength": between(1e-6, 1e-2)}).free()["l2.strength"] == between(1e-6, 1e-2)


@pytest.mark.parametrize("address", ["l3.strength", "l2.rate", "l1.strength", "strength"])
def test_an_unknown_address_is_refused_with_the_known_ones(address):
    with pytest.raises(RecipeError, match=rf"{address} is no setting of this recipe; it has .*l2\.strength, l2\.scope"):
        with_settings(RECIPE, {address: 1})


def test_values_are_checked():
    with pytest.raises(DialError, match=r"L2\.strength must lie in"):
        with_settings(RECIPE, {"l2.strength": -1.0})
