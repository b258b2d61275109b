"""The recipe's dropout at the dropout layers of a Keras model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, final

import keras
import numpy as np

from bridle.core import Noise, Recipe
from bridle.core.draws import key
from bridle.errors import RecipeError, ScopeError
from bridle.integrations.keras.scope import layers, listed
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

    def bind(self, model: Any, recipe: Recipe, seed: int) -> None:
        """Set the rates and the seeds of the layers that the recipe's dropout covers.

        Raises:
            ScopeError: If it covers none.
            RecipeError: If it is no dropout, follows a schedule, or two cover one layer.
        """
        chosen: list[tuple[Any, float]] = []
        for noise in recipe.of(Noise):
            if not isinstance(noise, Dropout) or noise.is_scheduled:
                raise RecipeError(
                    f"{noise.key} is not served in Keras: only dropout of a fixed rate is, at the model's own dropout "
                    "layers. Leave it out of this recipe, or train with bridle.fit."
                )
            covered = _covered(model, noise)
            self.scopes[noise.key] = [layer.name for layer in covered]
            chosen += [(layer, float(noise.share())) for layer in covered]
        twice = [layer.name for number, (layer, _) in enumerate(chosen) if any(layer is o for o, _ in chosen[:number])]
        if twice:
            raise RecipeError(f"Two dropouts of the recipe cover {twice[0]}, which has one rate. Narrow their scopes.")
        for layer, rate in chosen:
            self._found[id(layer)] = (layer, layer.rate)
            _set(layer, rate, seed)

    def release(self) -> None:
        """Give the layers their own rates back."""
        for layer, rate in self._found.values():
            layer.rate = rate
        self._found = {}


def _covered(model: Any, noise: Dropout) -> list[Any]:
    found = [layer for layer in layers(model) if isinstance(layer, keras.layers.Dropout)]
    scope = noise.scope
    if isinstance(scope, str) and scope != "all":
        raise ScopeError(
            f'{noise.key} acts on dropout layers, so its scope must be "all" or name them, for example '
            f'{{"names": "dropout_1"}}; got {scope!r}.'
        )
    covered = [layer for layer in found if not isinstance(scope, Mapping) or _matches(scope, layer)]
    if not covered:
        listing = ", ".join(layer.name for layer in found) or "none"
        raise ScopeError(
            f"{noise.key} with scope {scope!r} covers no dropout layer; the model has: {listing}. Put "
            "keras.layers.Dropout(0.5) where it should act; the recipe sets its rate."
        )
    return covered


def _matches(scope: Mapping[str, Any], layer: Any) -> bool:
    modules = listed(scope.get("modules"))
    fits = any(fnmatchcase(layer.name, pattern) for pattern in listed(scope.get("names", "*")))
    return fits and (not modules or type(layer).__name__ in modules)


def _set(layer: Any, rate: float, seed: int) -> None:
    layer.rate = rate
    word = key(seed, f"dropout:{layer.name}") >> 33  # Keras takes 31 bits on every backend
    if not hasattr(layer, "seed_generator"):  # Keras makes none for a layer of rate 0
        layer._tracker.unlock()
        layer.seed_generator = keras.random.SeedGenerator(word)
        layer._tracker.lock()
    layer.seed_generator.state.assign(np.array([word, 0]))
