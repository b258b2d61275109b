"""Notices Keras when a script imports it, and its models when they are compiled and fitted."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from bridle.auditing.imported import when_imported
from bridle.auditing.keras.followed import BACKENDS, Followed, holder_of_apply
from bridle.auditing.keras.used import Training, arrays_of, rows_of, training_of

NAME = "keras"


class KerasModels:
    """What a script's Keras models were when compiled, when they train, and the callbacks and rows of each training.

    Args:
        stepped: Called with a model and its inputs after each training batch of ``fit``.
        validated: Called after each pass over validation rows in ``fit``.
        applied: Called after each step of an optimizer (of a compiled one, each time it is compiled) with the
            optimizer, the variables, whether the gradients went through a penalty, and whether ``fit`` is running.
    """

    def __init__(
        self,
        stepped: Callable[[Any, Any], None],
        validated: Callable[[], None],
        applied: Callable[[Any, list[Any], bool, bool], None],
    ) -> None:
        self.compiled: WeakKeyDictionary[Any, set[int]] = WeakKeyDictionary()
        self.callbacks: list[list[Any]] = []
        self.trainings: list[Training] = []
        self.adapted: list[tuple[str, Any]] = []
        self._stepped = stepped
        self._validated = validated
        self._applied = applied
        self._fits = 0
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
            callbacks = given.get("callbacks") or []
            listed = _listed(callbacks) if isinstance(callbacks, list | tuple | keras.callbacks.Callback) else []
            training = training_of(given, listed, sys._getframe(1))
            self.trainings.append(training)
            own = keras.callbacks.LambdaCallback()
            own.on_train_batch_end = lambda *_, **__: self._stepped(model, given.get("x"))
            own.on_test_end = lambda *_, **__: self._validated_in(training)
            if listed or not callbacks:
                self.callbacks.append(listed)
                given["callbacks"] = [*listed, own]
            self._fits += 1
            try:
                return fit(**{"self": model} | {name: value for name, value in given.items() if name != "self"})
            finally:
                self._fits -= 1

        keras.Model.compile, keras.Model.fit = noticed_compile, noticed_fit
        self._stack.callback(setattr, keras.Model, "compile", compile_)
        self._stack.callback(setattr, keras.Model, "fit", fit)
        for name in ("evaluate", "predict"):
            self._stack.callback(setattr, keras.Model, name, getattr(keras.Model, name))
            setattr(keras.Model, name, self._noticed_evaluation(getattr(keras.Model, name)))
        for kind in (keras.layers.Normalization, keras.layers.Discretization):
            self._stack.callback(setattr, kind, "adapt", kind.adapt)
            kind.adapt = self._noticed_adapt(kind.adapt)
        if keras.backend.backend() in BACKENDS:
            self._follow(keras)

    def _noticed_evaluation(self, evaluate: Any) -> Any:
        @wraps(evaluate)
        def noticed(model: Any, x: Any = None, *args: Any, **kwargs: Any) -> Any:
            if self.trainings and not self._fits:
                self.trainings[-1].evaluated.append(rows_of(x, sys._getframe(1)))
            return evaluate(model, x, *args, **kwargs)

        return noticed

    def _noticed_adapt(self, adapt: Any) -> Any:
        @wraps(adapt)
        def noticed(layer: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
            self.adapted.extend((type(layer).__name__, array) for array in arrays_of(data))
            return adapt(layer, data, *args, **kwargs)

        return noticed

    def _validated_in(self, training: Training) -> None:
        training.validations += 1
        self._validated()

    def _follow(self, keras: Any) -> None:
        """Look at the gradients that optimizers are given, whoever's loop it is."""
        followed, holder = Followed(keras), holder_of_apply(keras)
        self._stack.enter_context(followed.marking())
        apply = holder.apply

        @wraps(apply)
        def noticed_apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            variables = trainable_variables if trainable_variables is None else list(trainable_variables)
            result = apply(optimizer, grads, variables)
            known = optimizer._trainable_variables if variables is None else variables
            self._applied(optimizer, list(known), followed.felt(), self._fits > 0)
            return result

        holder.apply = noticed_apply
        self._stack.callback(setattr, holder, "apply", apply)


def _listed(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
