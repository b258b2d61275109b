"""The audit of a Keras model as it stands."""

from collections.abc import Callable
from typing import Any

import keras

from bridle.errors import ModelError
from bridle.integrations.keras.checks.decay_on_biases import decay_on_biases
from bridle.integrations.keras.checks.losses_left_out import losses_left_out
from bridle.integrations.keras.checks.outside_model import outside_model
from bridle.integrations.keras.checks.penalty_twice import penalty_twice
from bridle.integrations.keras.checks.penalty_without_effect import penalty_without_effect
from bridle.integrations.keras.checks.softmax_and_logits import softmax_and_logits
from bridle.integrations.keras.handle import Handle
from bridle.integrations.keras.observed import Observed
from bridle.integrations.keras.overlaps import overlaps
from bridle.records import Finding

CHECKS = (
    penalty_without_effect,
    penalty_twice,
    decay_on_biases,
    outside_model,
    softmax_and_logits,
    losses_left_out,
)


def audit(model: keras.Model, step: Callable[[], object] | None = None) -> tuple[Finding, ...]:
    """What is wrong with the regularization of a Keras model as it stands, by measurement.

    Weights are moved and put back, bit for bit, and the model is called in evaluation on a few drawn inputs; nothing
    is trained. Looked for are regularizers that layers declare and that are not in the losses (set after the layer was
    built, or on frozen weights), or that are there twice or beside ``weight_decay``; decay on biases, norms and
    embeddings; regularised weights that the model never uses; softmax outputs before a loss on logits and the reverse.
    With a step of a loop of your own: whether the gradients that it gives the optimizer hold the penalties at all.

    Args:
        model: A model that has its weights; compiled, for what concerns loss and optimizer.
        step: One step of a loop of your own, such as ``lambda: train_step(x, y)``. It is called once, eagerly, and the
            optimizer's update is not made; the model's variables and the random states are put back.

    Returns:
        The findings, with what was measured; empty where nothing was found.

    Raises:
        ModelError: If it is no Keras model, or has no weights yet.
        AuditError: If the step gives no optimizer of Keras's gradients.
    """
    if not isinstance(model, keras.Model):
        raise ModelError(f"bridle.keras.audit(model) takes a keras.Model; got {type(model).__name__}.")
    if not model.weights:
        raise ModelError(f"The model {model.name!r} has no weights yet. Build it first, for example on one batch.")
    observed = Observed(model, step)
    found = [finding for check in CHECKS for finding in check(observed)]
    handle = bound(model)
    return (*found, *(overlaps(handle) if handle else ()))


def bound(model: Any) -> Handle | None:
    """The handle of the recipe that acts in a model; ``None`` where there is none."""
    step = getattr(getattr(model, "optimizer", None), "_backend_update_step", None)
    found: Handle | None = getattr(step, "handle", None)
    return found
