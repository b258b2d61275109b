"""Whether a gradient passed through what Keras's regularizers gave, measured in the backward pass itself."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, final

from torch import Tensor

BACKENDS = ("tensorflow", "torch")
"""Those whose backward pass can be followed."""


@final
class Followed:
    """Marks every number that one of Keras's regularizers gives, and hears of each gradient that goes through one.

    Args:
        keras: The module of that name.
    """

    def __init__(self, keras: Any) -> None:
        self._keras = keras
        self._felt = False

    def felt(self) -> bool:
        """Whether a gradient went through a penalty since the last call."""
        found, self._felt = self._felt, False
        return found

    @contextmanager
    def marking(self) -> Iterator[None]:
        """Mark the penalties that are computed in here."""
        with ExitStack() as stack:
            for kind in own_regularizers(self._keras):
                given = kind.__call__
                kind.__call__ = self._marking(given)
                stack.callback(setattr, kind, "__call__", given)
            yield

    def _marking(self, given: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(given)
        def call(regularizer: Any, weight: Any) -> Any:
            return self._marked(given(regularizer, weight))

        return call

    def _marked(self, penalty: Any) -> Any:
        if isinstance(penalty, Tensor):
            if penalty.requires_grad:
                penalty.register_hook(self._hear)
            return penalty
        tensorflow = sys.modules.get("tensorflow")
        if tensorflow is None or not isinstance(penalty, tensorflow.Tensor):
            return penalty

        @tensorflow.custom_gradient  # type: ignore[untyped-decorator]
        def through(value: Any) -> Any:
            def back(slope: Any) -> Any:
                self._hear(slope)
                return slope

            return tensorflow.identity(value), back

        return through(penalty)

    def _hear(self, _: Any) -> None:
        self._felt = True


def own_regularizers(keras: Any) -> list[Any]:
    """The classes of Keras's own regularizers."""
    kinds = [kind for kind in vars(keras.regularizers).values() if isinstance(kind, type)]
    return [kind for kind in dict.fromkeys(kinds) if "__call__" in vars(kind)]


def holder_of_apply(keras: Any) -> Any:
    """The class that has ``apply``, through which every step of an optimizer goes."""
    return next(kind for kind in keras.optimizers.Optimizer.__mro__ if "apply" in vars(kind))
