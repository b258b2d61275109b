"""Bridle in Keras 3, on the TensorFlow and the torch backend."""

from importlib.util import find_spec

from bridle.integrations import needs

# Keras imports its backend, too, which is TensorFlow where none is named.
with needs(
    "bridle.keras",
    *(("bridle[tensorflow]", "Or set KERAS_BACKEND=torch.") if find_spec("keras") else ("bridle[keras]",)),
):
    import keras as _keras  # noqa: F401 - asked for here, so that its absence is said in one place

from bridle.integrations.keras.auditing import audit
from bridle.integrations.keras.binding import regularize
from bridle.integrations.keras.handle import Handle

__all__ = ["Handle", "audit", "regularize"]
