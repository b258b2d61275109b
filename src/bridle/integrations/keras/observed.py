"""A Keras model as the audit sees it: what its layers declare, and what that does when a weight is moved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import keras
import numpy as np

from bridle.integrations.keras.scope import array, layers, weights

BATCH, LENGTH = 4, 8
"""Examples that are drawn to look at the outputs, and the length of a dimension that the model leaves open."""

_ENDING = "_regularizer"


@final
@dataclass(frozen=True, eq=False)
class Declared:
    """A regularizer that a layer declares for one of its weights.

    Args:
        name: The weight, as ``"dense.kernel"``.
        layer: The layer.
        penalty: The regularizer: a function of the weight.
        variable: The weight; ``None`` where the layer has not made it.
    """

    name: str
    layer: Any
    penalty: Callable[[Any], Any]
    variable: Any

    def value(self) -> float:
        """What the regularizer gives at the weight as it stands."""
        return number(self.penalty(self.variable.value))


@final
class Observed:
    """A model with what was found out about it; each weight that is moved for that is put back, bit for bit.

    Args:
        model: The model.
        step: A step of the user's own loop.
    """

    def __init__(self, model: Any, step: Callable[[], object] | None = None) -> None:
        self.model, self.step = model, step
        self.optimizer = getattr(model, "optimizer", None)

    @cached_property
    def declared(self) -> list[Declared]:
        """Every regularizer that a layer names for a weight, or that a weight was made with."""
        found = []
        names = {id(weight.variable): name for name, weight in weights(self.model).items()}
        for layer in layers(self.model):
            own = {
                variable.name: variable for variable in (*layer._trainable_variables, *layer._non_trainable_variables)
            }
            penalties = {name: variable.regularizer for name, variable in own.items() if variable.regularizer}
            for word, penalty in vars(layer).items():
                if word.endswith(_ENDING) and not word.startswith(("_", "activity")) and callable(penalty):
                    short = word.removesuffix(_ENDING)
                    penalties[short if short in own or f"{short}_kernel" not in own else f"{short}_kernel"] = penalty
            for short, penalty in penalties.items():
                variable = own.get(short)
                found.append(Declared(names.get(id(variable), f"{layer.name}.{short}"), layer, penalty, variable))
        return found

    def share(self, declared: Declared) -> float | None:
        """How much of a declared penalty is in the model's losses: 1 for all of it, 2 for twice; ``None``: it is zero.

        Measured: the weight is moved, and the change of the losses divided by that of the penalty.
        """
        before = self.losses(), declared.value()
        with moved([declared.variable], _away):
            after = self.losses(), declared.value()
        change = after[1] - before[1]
        return (after[0] - before[0]) / change if abs(change) > 1e-12 else None

    def losses(self) -> float:
        """The sum of what the model adds to its loss."""
        return sum(number(loss) for loss in self.model.losses)

    def reaches(self, declared: Declared) -> bool | None:
        """Whether the outputs depend on a weight; ``None`` where the model cannot be called on drawn inputs.

        All weights are drawn anew for this, so that a zero further on does not hide one.
        """
        if self._inputs is None:
            return None
        draw = np.random.default_rng(0)

        def drawn(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            changed: np.ndarray[Any, Any] = values + 0.1 * draw.normal(size=values.shape)
            return changed

        with moved(self.model.trainable_variables, drawn):
            before = self._call()
            with moved([declared.variable], drawn):
                after = self._call()
        return any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))

    @cached_property
    def outputs(self) -> list[np.ndarray[Any, Any]]:
        """The outputs on drawn inputs, in evaluation; empty where the model cannot be called on such."""
        return [] if self._inputs is None else self._call()

    def _call(self) -> list[np.ndarray[Any, Any]]:
        drawn = self._inputs or []
        given = drawn if len(drawn) > 1 else drawn[0]
        return [plain(value) for value in keras.tree.flatten(self.model(given, training=False))]

    @cached_property
    def _inputs(self) -> list[np.ndarray[Any, Any]] | None:
        """Inputs drawn for the model, if it says of what shape and takes them."""
        inputs = keras.tree.flatten(getattr(self.model, "inputs", None) or [])
        if not inputs or not all(_is_number(one.dtype) for one in inputs):
            return None
        draw = np.random.default_rng(0)
        drawn = [_drawn(draw, one) for one in inputs]
        try:
            self.model(drawn if len(drawn) > 1 else drawn[0], training=False)
        except Exception:  # a user's layer may raise anything on inputs that are not its data
            return None
        return drawn


@contextmanager
def moved(variables: Sequence[Any], move: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Iterator[None]:
    """Variables with other values for a while."""
    before = [array(variable) for variable in variables]
    try:
        for variable, values in zip(variables, before, strict=True):
            variable.assign(move(values).astype(values.dtype))
        yield
    finally:
        for variable, values in zip(variables, before, strict=True):
            variable.assign(values)


def _away(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Other values than these, zeros too."""
    further: np.ndarray[Any, Any] = values * 2 + 1
    return further


def plain(value: Any) -> np.ndarray[Any, Any]:
    """A tensor of either backend as an array."""
    return np.array(value.detach().cpu().numpy() if hasattr(value, "detach") else keras.ops.convert_to_numpy(value))


def number(value: Any) -> float:
    """A scalar tensor of either backend as a number."""
    return float(plain(value))


def _is_number(dtype: Any) -> bool:
    return str(dtype).startswith(("float", "int", "uint", "bfloat"))


def _drawn(draw: np.random.Generator, tensor: Any) -> np.ndarray[Any, Any]:
    shape = [BATCH, *(size if size is not None else LENGTH for size in tensor.shape[1:])]
    whole = "int" in str(tensor.dtype)  # two codes are within every vocabulary
    return draw.integers(0, 2, shape).astype(tensor.dtype) if whole else draw.normal(size=shape).astype("float32")
