"""The recipe's dropout at the dropout layers of a Keras model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import keras
import numpy as np
from keras import ops

from bridle.core import Noise, Recipe
from bridle.core.draws import key
from bridle.errors import RecipeError
from bridle.integrations.keras.moving import at, progress
from bridle.integrations.keras.places import covered
from bridle.regularizers.noise import Dropout


@final
@dataclass(eq=False)
class Places:
    """The dropout layers that a recipe's dropout covers, and the rates that they had.

    Attributes:
        scopes: The names of the layers by regularizer.
    """

    scopes: dict[str, list[str]] = field(default_factory=dict)
    _found: dict[int, tuple[Any, float]] = field(default_factory=dict)
    _moving: list[Any] = field(default_factory=list)

    def bind(self, model: Any, recipe: Recipe, seed: int, steps: int | None) -> None:
        """Set the rates and the seeds of the layers that the recipe's dropout covers.

        Raises:
            ScopeError: If it covers none.
            RecipeError: If it is no dropout, or two cover one layer.
        """
        chosen: list[tuple[Any, Dropout]] = []
        for noise in recipe.of(Noise):
            if not isinstance(noise, Dropout):
                raise RecipeError(
                    f"{noise.key} is not served in Keras: only dropout is, at the model's own dropout layers. Leave it "
                    "out of this recipe, or train with bridle.fit."
                )
            found = covered(model, noise)
            self.scopes[noise.key] = [layer.name for layer in found]
            chosen += [(layer, noise) for layer in found]
        twice = [layer.name for number, (layer, _) in enumerate(chosen) if any(layer is o for o, _ in chosen[:number])]
        if twice:
            raise RecipeError(f"Two dropouts of the recipe cover {twice[0]}, which has one rate. Narrow their scopes.")
        for layer, noise in chosen:
            self._found[id(layer)] = (layer, layer.rate)
            _set(layer, float(noise.at(0.0).share()), seed)
            if noise.is_scheduled:
                layer.call = _scheduled(layer, noise, model.optimizer, steps)
                self._moving.append(layer)

    def release(self) -> None:
        """Give the layers their own rates back."""
        for layer in self._moving:
            vars(layer).pop("call", None)
        for layer, rate in self._found.values():
            layer.rate = rate
        self._found, self._moving = {}, []


def _set(layer: Any, rate: float, seed: int) -> None:
    layer.rate = rate
    word = key(seed, f"dropout:{layer.name}") >> 33  # Keras takes 31 bits on every backend
    if not hasattr(layer, "seed_generator"):  # Keras makes none for a layer of rate 0
        layer._tracker.unlock()
        layer.seed_generator = keras.random.SeedGenerator(word)
        layer._tracker.lock()
    layer.seed_generator.state.assign(np.array([word, 0]))


def _scheduled(layer: Any, noise: Dropout, optimizer: Any, steps: int | None) -> Callable[..., Any]:
    """The layer's ``call`` with a rate that follows the optimizer's count of steps, also where it is compiled."""

    def call(inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        rate = at(noise, progress(optimizer.iterations, steps)).share()
        sizes, seen = layer.noise_shape or (None,) * len(inputs.shape), ops.shape(inputs)
        shape = tuple(seen[axis] if size is None else size for axis, size in enumerate(sizes))
        kept = keras.random.uniform(shape, dtype="float32", seed=layer.seed_generator) >= rate
        return ops.where(kept, inputs / ops.cast(1.0 - rate, inputs.dtype), ops.zeros_like(inputs))

    return call
