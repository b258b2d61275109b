"""The weights of a Keras model by name, kind and layout, and which of them a scope covers.

A weight is named by its path in the model, with dots: ``"dense.kernel"``, ``"encoder.conv2d.kernel"``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, final

import keras
import numpy as np
from torch import Tensor

from bridle.core import Regularizer, Scope
from bridle.core.scope import inventory
from bridle.errors import RecipeError, ScopeError

_NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
_CELLS = ("SimpleRNNCell", "LSTMCell", "GRUCell")


@final
@dataclass(frozen=True, eq=False)
class Weight:
    """A trainable weight of a Keras model.

    Args:
        name: Its path in the model, with dots.
        variable: The Keras variable.
        layer: The layer that holds it.
        kind: ``"matrices"``, ``"embeddings"``, ``"norms"`` or ``"biases"``.
        axes: The order of its axes that gives torch's layout, neurons first and inputs second; ``None`` where the
            layer does not say which of them are which.
    """

    name: str
    variable: Any
    layer: Any
    kind: str
    axes: tuple[int, ...] | None

    def permutation(self) -> tuple[int, ...]:
        """The order of axes that gives torch's layout, or the axes as they are where that is not known."""
        return self.axes if self.axes is not None else tuple(range(len(self.variable.shape)))


def array(variable: Any) -> np.ndarray[Any, Any]:
    """A copy of a variable's value."""
    value = variable.value
    if isinstance(value, Tensor):  # Keras's own way makes NumPy warn
        return np.array(value.detach().cpu().numpy())
    return np.array(keras.ops.convert_to_numpy(value))


def layers(model: Any) -> list[Any]:
    """The model and all layers within it, at any depth."""
    return list(model._flatten_layers(include_self=True, recursive=True))


def weights(model: Any) -> dict[str, Weight]:
    """Each trainable weight of a built model by name, in the model's order."""
    holders = {id(variable): layer for layer in layers(model) for variable in layer._trainable_variables}
    found: dict[str, Weight] = {}
    for variable in model.trainable_variables:
        name = _name(model, variable, found)
        layer = holders.get(id(variable), model)
        found[name] = Weight(name, variable, layer, kind_of(layer, variable), _axes(layer, variable))
    return found


def kind_of(layer: Any, variable: Any) -> str:
    """What a weight is, by the type of its layer, then by its name, then by its shape."""
    if isinstance(layer, keras.layers.Embedding):
        return "embeddings"
    norm = _is_one_of(layer, _NORMS)
    if "bias" in variable.name or (norm and variable.name == "beta"):
        return "biases"
    return "norms" if norm or isinstance(layer, keras.layers.PReLU) or len(variable.shape) < 2 else "matrices"


def resolve(model: Any, scope: Scope, *, who: str) -> list[Weight]:
    """The weights that ``scope`` covers, in the model's order; the words mean what they mean for torch.

    Args:
        model: A built Keras model.
        scope: The scope; ``modules`` are the names of layer classes, such as ``"Dense"``.
        who: The regularizer, for the error.

    Raises:
        ScopeError: If it covers no trainable weight.
    """
    everything = list(weights(model).values())
    matrices = [weight for weight in everything if weight.kind == "matrices"]
    if scope == "all":
        found = everything
    elif scope == "first_layer":
        found = matrices[:1]
    elif scope == "last_layer":
        found = matrices[-1:]
    elif isinstance(scope, str):
        found = [weight for weight in everything if weight.kind == scope]
    else:
        found = [weight for weight in everything if _matches(scope, weight)]
    if not found:
        listing = inventory({weight.name: weight.kind for weight in everything}) or "no trainable weight"
        raise ScopeError(f"{who} with scope {scope!r} matches no weight. The model has: {listing}.")
    return found


def refuse_axes(item: Regularizer, found: Sequence[Weight]) -> None:
    """Refuse a regularizer that tells neurons from inputs on a weight whose axes do not say which they are.

    Raises:
        RecipeError: With the name of the first such weight.
    """
    for weight in found if item.by_axis else ():
        if weight.axes is None:
            raise RecipeError(
                f"{item.key} tells neurons from inputs by the axes of a weight; a {type(weight.layer).__name__} such "
                f"as that of {weight.name} does not say which they are. Give it a scope without it, such as "
                '{"modules": ["Dense", "Conv2D"]}.'
            )


def listed(value: Any) -> list[str]:
    """One text or several, as a list; nothing as an empty one."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _name(model: Any, variable: Any, taken: Mapping[str, Weight]) -> str:
    path = str(variable.path).removeprefix(f"{model.name}/").replace("/", ".")
    name, count = path, 1
    while name in taken:  # two layers of one name in a subclassed model
        count += 1
        name = f"{path}_{count}"
    return name


def _axes(layer: Any, variable: Any) -> tuple[int, ...] | None:
    rank = len(variable.shape)
    if rank < 2 or isinstance(layer, keras.layers.Embedding):
        return tuple(range(rank))
    if rank == 2 and (isinstance(layer, keras.layers.Dense) or _is_one_of(layer, _CELLS)):
        return (1, 0)
    if _is_one_of(layer, _CONVOLUTIONS):
        return (rank - 1, rank - 2, *range(rank - 2))
    return None


def _is_one_of(layer: Any, names: Sequence[str]) -> bool:
    """Whether a layer is of one of Keras's classes, or of a class made from it, where this Keras has it."""
    return isinstance(layer, tuple(getattr(keras.layers, name) for name in names if hasattr(keras.layers, name)))


def _matches(scope: Mapping[str, Any], weight: Weight) -> bool:
    modules, names = listed(scope.get("modules")), listed(scope.get("names"))
    if modules and type(weight.layer).__name__ not in modules:
        return False
    if names:
        return any(fnmatchcase(weight.name, pattern) for pattern in names)
    return weight.kind == "matrices"
