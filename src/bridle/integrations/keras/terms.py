"""The recipe's loss terms in the training loss of a Keras model; the loss of evaluation keeps free of them."""

import functools
import math
from collections.abc import Callable
from typing import Any, final

import keras
import torch
from keras import ops

from bridle.core import Draws, Forward, LossTerm, Recipe
from bridle.errors import DataError, RecipeError, ScopeError
from bridle.integrations.keras.moving import at, progress
from bridle.integrations.keras.places import covered
from bridle.integrations.keras.smoothing import declared_loss, refuse_untold
from bridle.regularizers.terms import ActivationL1, ActivationL2, ConfidencePenalty, KLSparsity

SERVED: tuple[type, ...] = (ActivationL1, ActivationL2, ConfidencePenalty, KLSparsity)
"""The loss terms that have a formula here, for a step that is compiled."""

Activations = list[Any]


@final
class Terms:
    """The loss terms of a recipe, on what the model's layers showed in the last training step.

    Under the torch backend each is the regularizer's own code, under TensorFlow the same formula in Keras operations.

    Args:
        model: The model.
        recipe: The recipe.
        seed: Of the terms' draws.
        steps: How many optimizer steps the training takes, for schedules.

    Raises:
        ScopeError: If a term covers no layer.
        RecipeError: If a term cannot act on the model's outputs or in its own loss.
    """

    def __init__(self, model: Any, recipe: Recipe, seed: int, steps: int | None) -> None:
        self._terms, self._seed, self._steps = recipe.of(LossTerm), seed, steps
        if self._terms:
            refuse_untold(model, self._terms[0].key)
        self._optimizer, self._native = model.optimizer, keras.backend.backend() == "torch"
        layers = {term.key: covered(model, term) for term in self._terms if term.needs_activations}
        self.scopes = {key: list(dict.fromkeys(layer.name for layer in found)) for key, found in layers.items()}
        self.looked_at = list({id(layer): layer for found in layers.values() for layer in found}.values())
        self._parts = [part for term in self._terms for part in term.layered(self.scopes.get(term.key, [""]))]
        self._needs_gradient = any(term.needs_input_gradient for term in self._terms)
        self._logits = {term.key: _logits(model, term) for term in self._terms if term.needs_classes}
        self._shown: dict[str, Activations] | None = None
        self._checked = False

    def looking(self, layer: Any) -> Callable[..., Any]:
        """A layer's ``call`` that keeps what a term looks at: what reaches dropout, what leaves another layer."""
        inner, before = layer.call, isinstance(layer, keras.layers.Dropout)

        @functools.wraps(inner)
        def call(*args: Any, **kwargs: Any) -> Any:
            outputs = inner(*args, **kwargs)
            if self._shown is not None:
                self._keep(layer.name, (*args, *kwargs.values())[0] if before else outputs)
            return outputs

        return call

    def _keep(self, name: str, activation: Any) -> None:
        assert self._shown is not None  # noqa: S101 - asked before
        if not ops.is_tensor(activation):
            raise ScopeError(
                f"A loss term looks at a tensor; the layer {name} gives {type(activation).__name__}. Let its scope "
                "name a layer that gives one tensor."
            )
        self._shown.setdefault(name, []).append(activation)

    def stepping(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Keras's training step, while which activations are kept."""

        def step(data: Any) -> Any:
            if self._needs_gradient:
                x, *rest = keras.utils.unpack_x_y_sample_weight(data)
                data = (self._differentiable(x), *rest)
            self._shown = {}
            try:
                return train_step(data)
            finally:
                self._shown = None

        return step

    def _differentiable(self, inputs: Any) -> Any:
        if keras.tree.is_nested(inputs) or "float" not in keras.backend.standardize_dtype(inputs.dtype):
            raise DataError(
                f"{next(t.key for t in self._terms if t.needs_input_gradient)} needs one input of numbers; this model "
                "has several, or whole numbers. Leave it out of this recipe."
            )
        return ops.convert_to_tensor(inputs).detach().requires_grad_()

    def added(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """The model's ``compute_loss`` with the terms added in training."""

        def compute_loss(
            x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
        ) -> Any:
            total = inner(x, y, y_pred, sample_weight, training=training)
            return total + self._sum(x, y_pred, sample_weight) if training else total

        return compute_loss

    def _sum(self, x: Any, y_pred: Any, sample_weight: Any) -> Any:
        if sample_weight is not None and keras.tree.is_nested(sample_weight):
            raise DataError(
                f"{self._terms[0].key} weighs examples by one sample_weight; got {type(sample_weight).__name__}."
            )
        means = []
        for term, names in self._parts:
            activations = [_wide(item) for name in names for item in (self._shown or {}).get(name, ())]
            if term.needs_activations and not activations:
                raise RecipeError(
                    f"{term.key} looks at {', '.join(names)}, which took no part in this training step. Let its scope "
                    "name layers that are called."
                )
            values = self._values(term, x, y_pred, activations)
            if sample_weight is not None:
                values = values * ops.reshape(ops.cast(sample_weight, values.dtype), (-1,))
            means.append(ops.mean(values))
        self._checked = True
        return sum(means[1:], start=means[0])

    def _values(self, term: LossTerm, x: Any, y_pred: Any, activations: Activations) -> Any:
        """The term of each example, ``(B,)``."""
        outputs = _wide(keras.tree.flatten(y_pred)[0])
        outputs = self._logits[term.key](outputs) if term.needs_classes else outputs
        now = at(term, progress(self._optimizer.iterations, self._steps))
        if not self._native:
            return _formula(now, outputs, activations)
        seen = Forward(x if isinstance(x, torch.Tensor) else torch.empty(0), outputs, tuple(activations))
        if not self._checked and (reason := term.refuses(seen)):
            raise RecipeError(f"{term.key} {reason}.")
        return now.per_example(seen, Draws(self._seed, 0, int(self._optimizer.iterations)))


def _logits(model: Any, term: LossTerm) -> Callable[[Any], Any]:
    """From the outputs under the model's loss to logits."""
    kinds = (keras.losses.CategoricalCrossentropy, keras.losses.SparseCategoricalCrossentropy)
    loss, shape = declared_loss(model), getattr(model, "output_shape", None)
    if type(loss) not in kinds or (isinstance(shape, tuple) and len(shape) != 2):
        raise RecipeError(
            f"{term.key} takes one output (B, C) under categorical_crossentropy or sparse_categorical_crossentropy, "
            f"which says whether it is logits; the model gives {shape!r} under loss={model.loss!r}."
        )
    if loss.get_config()["from_logits"]:
        return lambda outputs: outputs
    return lambda outputs: ops.log(ops.maximum(outputs, keras.config.epsilon()))


def _wide(tensor: Any) -> Any:
    """At least in float32."""
    narrow = keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16")
    return ops.cast(tensor, "float32") if narrow else tensor


def _formula(term: Any, outputs: Any, activations: Activations) -> Any:
    """The term of each example in Keras operations, ``(B,)``."""
    match term:
        case ConfidencePenalty():
            logs = ops.log_softmax(outputs, axis=-1)
            gap = ops.sum(ops.exp(logs) * (logs + math.log(outputs.shape[-1])), axis=-1)
            return term.strength * ops.maximum(gap, 0.0)
        case ActivationL1():
            return term.strength * sum(_each(ops.abs(item)) for item in activations)
        case ActivationL2():
            return term.strength / 2 * sum(_each(ops.square(item)) for item in activations)
        case KLSparsity():
            return (
                term.strength
                * sum(_divergence(term, item) for item in activations)
                * ops.ones_like(_each(activations[0]))
            )
    raise AssertionError(f"{term.key} has no formula; it is refused at the door.")


def _each(values: Any) -> Any:
    """The sum of an example's numbers, ``(B,)``."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values


def _divergence(term: KLSparsity, activation: Any) -> Any:
    noise = keras.config.epsilon()
    rates = ops.sigmoid(activation) if term.squash == "sigmoid" else activation
    means, target = ops.clip(ops.mean(rates, axis=0), noise, 1 - noise), term.target
    parts = target * ops.log(target / means) + (1 - target) * ops.log((1 - target) / (1 - means))
    return ops.maximum(ops.sum(parts), 0.0)
