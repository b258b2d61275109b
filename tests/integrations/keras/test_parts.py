"""Penalties and rules find their weights, or are refused."""

from dataclasses import dataclass

import keras
import pytest
import torch

import bridle
from bridle.core import Penalty
from bridle.errors import RecipeError, ScopeError
from bridle.integrations.keras.parts import bind


def parts(model, *items):
    return bind(model, model.optimizer, bridle.Recipe(*items))


def test_a_strength_for_each_layer_makes_parts(compiled):
    found = parts(compiled(), bridle.L2({"first": 0.1, "*": 0.2}))
    assert [[weight.name for weight in part.weights] for part in found] == [["first.kernel"], ["last.kernel"]]
    assert [part.declared.strength for part in found] == [0.1, 0.2]


def test_two_penalties_with_zeros_on_one_weight(compiled):
    with pytest.raises(RecipeError, match=r"l1 and group_lasso both make exact zeros on first.kernel"):
        parts(compiled(), bridle.L1(0.1), bridle.GroupLasso(0.1))
    assert len(parts(compiled(), bridle.L1(0.1), bridle.GroupLasso(0.1, scope="last_layer", gradient_only=True))) == 2


def test_a_changed_step_has_no_exact_one(compiled):
    with pytest.raises(RecipeError, match=r"spectral_step changes the step of first.kernel, so that l1 has no exact"):
        parts(compiled(), bridle.SpectralStep(0.1), bridle.L1(0.1))


def test_no_exact_step_without_a_metric(compiled):
    with pytest.raises(RecipeError, match=r"none is known for Keras's Lion"):
        parts(compiled(keras.optimizers.Lion(0.1)), bridle.L1(0.1))
    assert parts(compiled(keras.optimizers.Lion(0.1)), bridle.L1(0.1, gradient_only=True))


def test_one_step_for_all_weights(compiled):
    with pytest.raises(RecipeError, match=r"nuclear has no exact step under Adam, .* Use SGD"):
        parts(compiled(keras.optimizers.Adam()), bridle.Nuclear(0.1))


def test_low_precision(compiled):
    layers = [keras.layers.Input((6,)), keras.layers.Dense(3, dtype="bfloat16")]
    model = compiled(model=keras.Sequential(layers))
    with pytest.raises(
        RecipeError, match=r"l2 covers dense.kernel, which is bfloat16: most of what it takes off is lo"
    ):
        parts(model, bridle.L2(0.1))


def test_shapes_that_a_penalty_cannot_take(compiled):
    @dataclass(frozen=True)
    class Square(Penalty):
        """Takes square matrices only."""

        scope: str = "matrices"

        def refuses(self, shapes):
            return "takes square weights"

        def value(self, weights):
            return torch.zeros(())

        def gradient(self, weights):
            return list(weights)

    with pytest.raises(ScopeError, match=r"takes square weights; its scope has, neurons first, first.kernel \(8, 6\)"):
        parts(compiled(), Square())
