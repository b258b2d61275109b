"""Notices Keras when a script imports it, and its models when they are compiled and fitted."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from bridle.auditing.imported import when_imported

NAME = "keras"


class KerasModels:
    """What a script's Keras models were when compiled, when they train, and the callbacks of each training.

    Args:
        stepped: Called with a model and its inputs after each training batch of ``fit``.
        validated: Called after each pass over validation rows in ``fit``.
    """

    def __init__(self, stepped: Callable[[Any, Any], None], validated: Callable[[], None]) -> None:
        self.compiled: WeakKeyDictionary[Any, set[int]] = WeakKeyDictionary()
        self.callbacks: list[list[Any]] = []
        self._stepped = stepped
        self._validated = validated
        self._stack = ExitStack()

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice the models in here."""
        with self._stack, when_imported(NAME, self._patch):
            yield

    def _patch(self, keras: Any) -> None:
        compile_, fit = keras.Model.compile, keras.Model.fit
        form = inspect.signature(fit)

        @wraps(compile_)
        def noticed_compile(model: Any, *args: Any, **kwargs: Any) -> Any:
            result = compile_(model, *args, **kwargs)
            self.compiled[model] = {id(layer) for layer in model.layers}
            return result

        @wraps(fit)
        def noticed_fit(model: Any, *args: Any, **kwargs: Any) -> Any:
            given = form.bind(model, *args, **kwargs).arguments
            own = keras.callbacks.LambdaCallback()
            own.on_train_batch_end = lambda *_, **__: self._stepped(model, given.get("x"))
            own.on_test_end = lambda *_, **__: self._validated()
            callbacks = given.get("callbacks") or []
            if isinstance(callbacks, list | tuple | keras.callbacks.Callback):
                self.callbacks.append(_listed(callbacks))
                given["callbacks"] = [*_listed(callbacks), own]
            return fit(**{"self": model} | {name: value for name, value in given.items() if name != "self"})

        keras.Model.compile, keras.Model.fit = noticed_compile, noticed_fit
        self._stack.callback(setattr, keras.Model, "compile", compile_)
        self._stack.callback(setattr, keras.Model, "fit", fit)


def _listed(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
