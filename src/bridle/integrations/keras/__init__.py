"""Bridle in Keras 3, on the TensorFlow and the torch backend."""

try:
    import keras as _keras  # noqa: F401 - asked for here, so that its absence is said in one place
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'bridle.keras needs Keras 3, which is not installed: pip install "bridle[keras]".', name="keras"
    ) from _error

from bridle.integrations.keras.auditing import audit
from bridle.integrations.keras.binding import regularize
from bridle.integrations.keras.handle import Handle

__all__ = ["Handle", "audit", "regularize"]
