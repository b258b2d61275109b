"""A step of a user's loop, run without its update."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from bridle.auditing.keep import keep_random_states
from bridle.auditing.keras.followed import BACKENDS, Followed, holder_of_apply
from bridle.errors import AuditError
from bridle.integrations.keras.scope import array


def tried(model: Any, step: Callable[[], object]) -> list[tuple[list[Any], bool]]:
    """What a step gives optimizers: the variables of each, and whether their gradients went through a penalty.

    No update is made; the model's variables, its gradients and the random states are what they were.

    Raises:
        AuditError: If the step calls no ``apply`` of an optimizer, or the backend cannot be followed.
    """
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise AuditError(f"audit(model, step) serves the backends {', '.join(BACKENDS)}; this is {backend}.")
    seen: list[tuple[list[Any], bool]] = []
    followed, holder = Followed(keras), holder_of_apply(keras)
    apply = holder.apply

    def instead(optimizer: Any, grads: Any, trainable_variables: Any = None) -> None:  # noqa: ARG001 - Keras's
        known = optimizer._trainable_variables if trainable_variables is None else trainable_variables
        seen.append((list(known), followed.felt()))

    with _kept(model), _eagerly(), followed.marking():
        holder.apply = instead
        try:
            step()
        finally:
            holder.apply = apply
    if not seen:
        raise AuditError(
            "The step called no optimizer.apply(...) of Keras's, so there are no gradients to look at. Give one whole "
            "step: audit(model, lambda: train_step(x, y))."
        )
    return seen


@contextmanager
def _kept(model: Any) -> Iterator[None]:
    """The model's variables and the random states are put back after this."""
    variables = list(model.variables)
    values = [array(variable) for variable in variables]
    slopes = [(held, held.grad) for held in (variable.value for variable in variables) if hasattr(held, "grad")]
    random = keep_random_states()
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        for held, slope in slopes:
            held.grad = slope
        for restore in random:
            restore()


@contextmanager
def _eagerly() -> Iterator[None]:
    """What TensorFlow compiled before is run as Python, so that its backward pass can be followed."""
    with ExitStack() as stack:
        if keras.backend.backend() == "tensorflow":
            config = sys.modules["tensorflow"].config
            stack.callback(config.run_functions_eagerly, config.functions_run_eagerly())
            config.run_functions_eagerly(True)
        yield
