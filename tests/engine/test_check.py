"""Whether a recipe can act at all."""

from dataclasses import replace

import pytest
from torch import nn

from bridle.core import Recipe, Training, between, choice
from bridle.engine.check import check_model, check_recipe, fullest
from bridle.errors import ModelError, RecipeError, ScopeError
from bridle.records import Column, Task
from bridle.regularizers.augment import Colour, FeatureNoise, HorizontalFlip, Mixup
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.stopping import EarlyStopping
from bridle.regularizers.targets import LabelSmoothing
from bridle.regularizers.terms import ActivationL1, ConfidencePenalty, InputGradient
from bridle.regularizers.updates import MaxNorm


def test_an_augmentation_for_other_data_is_refused(table, images):
    with pytest.raises(RecipeError, match=r"horizontal_flip acts on image data; this is table data\. Leave it out"):
        check_recipe(Recipe(HorizontalFlip(0.5)), table().layout)
    with pytest.raises(RecipeError, match=r"feature_noise acts on table data; this is image data\. Leave it out"):
        check_recipe(Recipe(FeatureNoise(0.1)), images().layout)
    categories = replace(table().layout, shape=(1,), columns=(Column("c", categories=("a", "b")),))
    with pytest.raises(RecipeError, match=r"feature_noise acts on numeric columns; this table has none\. Leave it out"):
        check_recipe(Recipe(FeatureNoise(0.1)), categories)
    grey = replace(images().layout, shape=(1, 6, 6))
    with pytest.raises(RecipeError, match=r"colour acts on images with 3 channels .*; these have 1\. Leave it out"):
        check_recipe(Recipe(Colour(0.1)), grey)
    check_recipe(Recipe(Mixup(0.1), HorizontalFlip(0.5)), images().layout)


def test_rules_of_classes_are_refused_for_a_regression(table):
    layout = table(task=Task.REGRESSION).layout
    with pytest.raises(RecipeError, match=r"label_smoothing acts on classes; this is a regression\."):
        check_recipe(Recipe(LabelSmoothing(0.1)), layout)
    with pytest.raises(RecipeError, match=r"confidence_penalty acts on classes; this is a regression\."):
        check_recipe(Recipe(ConfidencePenalty(0.1)), layout)
    check_recipe(Recipe(InputGradient(0.1)), layout)
    with pytest.raises(RecipeError, match=r"training\.class_weights is for classes; this is a regression\."):
        check_recipe(Recipe(training=Training(class_weights="balanced")), layout)


def test_copies_without_an_augmentation_are_refused(table):
    training = Training(expand=2)
    with pytest.raises(RecipeError, match=r"the recipe has no augmentation\. Add one, or expand = 0\."):
        check_recipe(Recipe(training=training), table().layout)
    check_recipe(Recipe(FeatureNoise(0.1), training=training), table().layout)


def test_the_fullest_recipe_has_everything_on():
    space = Recipe(
        L2(between(1e-6, 1e-2), optional=True),
        Dropout(choice(0, 0.2, 0.5)),
        training=Training(epochs=choice(3, 5), learning_rate=between(1e-3, 1e-2)),
    )
    full = fullest(space)
    assert not full.is_space
    assert full.active == ("l2", "dropout")
    assert (full.regularizers[0].strength, full.regularizers[1].rate) == (1e-6, 0.5)
    assert (full.training.epochs, full.training.learning_rate) == (5, 1e-3)
    fixed = Recipe(L2(0.1))
    assert fullest(fixed) is fixed


def test_a_whole_space_is_bound_to_the_network(table, wide, setting):
    shared = setting(table(), wide)
    check_model(Recipe(L2(0.1), Dropout(0.2), EarlyStopping(3)), shared)
    with pytest.raises(ScopeError, match=r"l2 with scope .* matches no weight"):
        check_model(Recipe(L2(between(1e-6, 1e-2), scope={"names": "tail.*"}, optional=True)), shared)
    with pytest.raises(ScopeError, match=r"max_norm with scope .* matches no weight"):
        check_model(Recipe(MaxNorm(1.0, scope={"names": "tail.*"})), shared)
    with pytest.raises(ScopeError, match=r"activation_l1 with scope .* finds no activation"):
        check_model(Recipe(ActivationL1(0.1, scope={"names": "tail.*"})), shared)
    with pytest.raises(ScopeError, match="dropout with scope 'all' finds no place"):
        check_model(Recipe(Dropout(0.1)), setting(table(), lambda: nn.Linear(4, 3)))
    with pytest.raises(ModelError, match=r"\(2, 3\) is needed"):
        check_model(Recipe(), setting(table(), lambda: nn.Linear(4, 2)))
