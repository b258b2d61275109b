"""The layers of a Keras model that noise and loss terms are about."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import keras

from bridle.core import Noise
from bridle.errors import ScopeError
from bridle.integrations.keras.scope import layers, listed


def covered(model: Any, item: Any) -> list[Any]:
    """The layers in the scope of noise, or of a loss term that looks at activations.

    ``"all"`` are the model's dropout layers. Noise acts on such layers only; a term may name any layers.

    Args:
        model: The model.
        item: The regularizer.

    Raises:
        ScopeError: If there are none.
    """
    dropouts = [layer for layer in layers(model) if isinstance(layer, keras.layers.Dropout)]
    acts, scope = isinstance(item, Noise), item.scope
    if isinstance(scope, str) and scope != "all":
        what = "acts on dropout layers" if acts else "looks at activations: at what reaches dropout layers, or leaves"
        which = 'so its scope must be "all" or name them' if acts else 'others. Its scope must be "all" or name layers'
        raise ScopeError(f'{item.key} {what}, {which}, for example {{"names": "dropout_1"}}; got {scope!r}.')
    inner = [layer for layer in layers(model) if layer is not model and not isinstance(layer, keras.layers.InputLayer)]
    among = dropouts if acts or isinstance(scope, str) else inner
    found = [layer for layer in among if not isinstance(scope, Mapping) or _matches(scope, layer)]
    if not found:
        what = "layer" if among is inner else "dropout layer"
        listing = ", ".join(layer.name for layer in among) or "none"
        remedy = "the recipe sets its rate" if acts else "or name layers"
        raise ScopeError(
            f"{item.key} with scope {scope!r} covers no {what}; the model has: {listing}. Put "
            f"keras.layers.Dropout(0.5) where it should act; {remedy}."
        )
    return found


def _matches(scope: Mapping[str, Any], layer: Any) -> bool:
    modules = listed(scope.get("modules"))
    fits = any(fnmatchcase(layer.name, pattern) for pattern in listed(scope.get("names", "*")))
    return fits and (not modules or type(layer).__name__ in modules)
