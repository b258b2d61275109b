"""Recipes: what is in them, what is free, and how a space becomes a recipe."""

import pytest

from bridle.core import Penalty, Recipe, TargetRule, Training, between, choice
from bridle.errors import DialError, RecipeError
from bridle.regularizers.augment import HorizontalFlip, Rotation
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L1, L2
from bridle.regularizers.targets import LabelSmoothing

SPACE = Recipe(
    L2(between(1e-6, 1e-2), optional=True),
    Dropout(choice(0, 0.5), label="body"),
    Rotation(10),
    training=Training(learning_rate=between(1e-4, 1e-2)),
)


def test_kinds_are_found_in_order():
    recipe = Recipe(L2(1), Rotation(1), L1(2))
    assert recipe.of(Penalty) == (L2(1), L1(2))
    assert recipe.of(TargetRule) == ()
    assert recipe.active == ("l2", "rotation", "l1")


def test_two_of_the_same_need_labels():
    with pytest.raises(RecipeError, match=r"two regularizers called 'l2'. Tell them apart with label="):
        Recipe(L2(1), L2(2))
    assert Recipe(L2(1), L2(2, label="head")).active == ("l2", "head")


def test_the_training_settings_keep_their_name():
    with pytest.raises(RecipeError, match="two regularizers called 'training'"):
        Recipe(L2(1, label="training"))


@pytest.mark.parametrize("thing", ["l2", L2, 1e-3, None, Training()])
def test_only_regularizers_are_taken(thing):
    with pytest.raises(RecipeError, match=r"Recipe\(\.\.\.\) takes regularizers such as bridle.L2\(3e-4\); got"):
        Recipe(thing)


def test_free_dials_have_addresses_in_order():
    assert list(SPACE.free()) == ["training.learning_rate", "l2.active", "l2.strength", "body.rate"]
    assert SPACE.is_space
    assert not Recipe(L2(1)).is_space


def test_a_space_settles_to_a_recipe():
    values = {"training.learning_rate": 1e-3, "l2.active": True, "l2.strength": 1e-4, "body.rate": 0.5}
    expected = Recipe(L2(1e-4), Dropout(0.5, label="body"), Rotation(10), training=Training(learning_rate=1e-3))
    assert SPACE.settle(values) == expected


def test_what_is_not_active_is_left_out():
    values = {"training.learning_rate": 1e-3, "l2.active": False, "body.rate": 0.5}
    assert SPACE.settle(values).active == ("body", "rotation")


def test_settling_needs_every_free_dial():
    with pytest.raises(RecipeError, match=r"^body.rate stayed free; give each a value"):
        SPACE.settle({"training.learning_rate": 1e-3, "l2.active": False})
    with pytest.raises(RecipeError, match=r"stayed free; give each a value"):
        SPACE.settle({})


def test_settling_refuses_what_is_not_free():
    with pytest.raises(RecipeError, match=r"rotation.degrees is not free in this recipe; free are training\."):
        SPACE.settle({"rotation.degrees": 5})


def test_settling_checks_the_values():
    values = {"training.learning_rate": 1e-3, "l2.active": False, "body.rate": 1.0}
    with pytest.raises(DialError, match=r"Dropout.rate must lie in \[0, 1\); got 1"):
        SPACE.settle(values)


def test_replace_and_without():
    recipe = Recipe(HorizontalFlip(), L2(1), LabelSmoothing(0.1))
    assert recipe.replace(without=Penalty).active == ("horizontal_flip", "label_smoothing")
    assert recipe.replace(training=Training(epochs=2)).training.epochs == 2
    assert recipe.replace() == recipe
