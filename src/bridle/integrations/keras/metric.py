"""How far a Keras optimizer moves a weight per unit of constant gradient: the metric of an exact proximal step.

============== ===========================================================================================
optimizer      movement
============== ===========================================================================================
SGD            ``lr / (1 - momentum)``, Nesterov too
Adam, AdamW    ``lr sqrt(1 - beta2^t) / (sqrt(v) + eps)`` per weight; with amsgrad v is the largest so far
============== ===========================================================================================

Keras adds eps before it corrects the bias of v, torch after: the movement is that of Keras's own step.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
from keras import ops

from bridle.errors import RecipeError

Movement: TypeAlias = Callable[[Any, Any], Any]
"""From a variable and the learning rate, right after a step: a number, or a tensor like the variable."""


def is_uniform(optimizer: Any) -> bool:
    """Whether the movement is one number for all weights."""
    return isinstance(optimizer, keras.optimizers.SGD)


def metric(optimizer: Any) -> Movement:
    """The movement under ``optimizer``.

    Raises:
        RecipeError: If none is known for it.
    """
    own = type(optimizer).__module__.partition(".")[0] == "keras"  # a class of the user's may step in its own way
    if own and isinstance(optimizer, keras.optimizers.SGD) and optimizer.momentum < 1:
        return lambda _, rate: rate / (1.0 - optimizer.momentum)
    if own and isinstance(optimizer, keras.optimizers.Adam):
        return lambda variable, rate: _adam(optimizer, variable, rate)
    raise RecipeError(
        f"A penalty with exact zeros needs the optimizer's own metric; none is known for Keras's "
        f"{type(optimizer).__name__}. Use SGD, Adam or AdamW, or gradient_only = true, which gives no zeros."
    )


def _adam(optimizer: Any, variable: Any, rate: Any) -> Any:
    place = optimizer._get_variable_index(variable)
    squares = (optimizer._velocity_hats if optimizer.amsgrad else optimizer._velocities)[place]
    # The optimizer counts a step when it is over; this one is not.
    step = ops.cast(optimizer.iterations + 1, variable.dtype)
    correction = ops.sqrt(1.0 - ops.power(ops.cast(optimizer.beta_2, variable.dtype), step))
    return ops.cast(rate, variable.dtype) * correction / (ops.sqrt(squares.value) + optimizer.epsilon)
