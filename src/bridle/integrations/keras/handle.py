"""A recipe at work in a Keras model, through its optimizer's step and its training step."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, final

import keras
import numpy as np
import torch

from bridle.core import Anchored, Augmentation, LossTerm, Penalty, Recipe, StopRule
from bridle.errors import RecipeError
from bridle.integrations.keras.augmented import Augmented
from bridle.integrations.keras.average import Average
from bridle.integrations.keras.course import Course
from bridle.integrations.keras.dropout import Places
from bridle.integrations.keras.graph import GraphFormulas
from bridle.integrations.keras.metric import metric
from bridle.integrations.keras.native import NativeFormulas
from bridle.integrations.keras.parts import bind
from bridle.integrations.keras.scope import Weight, array, weights
from bridle.integrations.keras.smoothing import smoothed, smoothing
from bridle.integrations.keras.terms import Terms
from bridle.records import Finding
from bridle.regularizers.averaging import EMA


@final
class Handle:
    """What :func:`bridle.keras.regularize` gives: the recipe acts in the model's training until :meth:`detach`.

    Attributes:
        scopes: The names of the weights, or layers, that each regularizer touches.
        findings: What was noticed when it was bound, such as a penalty on top of the optimizer's own decay.
    """

    findings: tuple[Finding, ...] = ()

    def __init__(self, model: Any, recipe: Recipe, *, seed: int, steps: int | None) -> None:
        self.model, self.recipe, self._optimizer, self._steps = model, recipe, model.optimizer, steps
        self.parts = bind(model, self._optimizer, recipe)
        self._known = weights(model)
        self._starts = {
            f"{part.declared.key}/{weight.name}": _tensor(weight)
            for part in self.parts
            for weight in part.weights
            if isinstance(part.declared, Anchored)
        }
        movement = metric(self._optimizer) if any(part.exact for part in self.parts) else None
        native = keras.backend.backend() == "torch"
        self._formulas: NativeFormulas | GraphFormulas = (
            NativeFormulas(self.parts, movement, self._starts, seed, steps)
            if native
            else GraphFormulas(self.parts, movement, self._starts, steps)
        )
        rule, augmented = smoothing(model, recipe), Augmented(model, recipe, seed, steps)
        terms = Terms(model, recipe, seed, steps)
        self._places = Places()
        self._average = _average(recipe, self._known, self.parts)
        self._course = Course(self._average, next(iter(recipe.of(StopRule)), None))
        self._places.bind(model, recipe, seed, steps)
        self.scopes: dict[str, list[str]] = {part.declared.key: [] for part in self.parts}
        self.scopes |= self._places.scopes | terms.scopes
        for part in self.parts:
            self.scopes[part.declared.key] += [weight.name for weight in part.weights]
        self._wrapped: list[tuple[Any, str]] = []
        self._wrap(self._optimizer, "_backend_update_step", self._step(self._optimizer._backend_update_step))
        if rule:
            self._wrap(model, "compute_loss", smoothed(model, rule))
        step = model.train_step
        if recipe.of(LossTerm):
            step = terms.stepping(step)
            self._wrap(model, "compute_loss", terms.added(model.compute_loss))
            for layer in terms.looked_at:
                self._wrap(layer, "call", terms.looking(layer))
        if recipe.of(Augmentation):
            step = augmented.wrap(step, self._optimizer)
        self._wrap(model, "train_step", self._checked(step))
        self._wrap(model, "fit", self._accompanied(model.fit))
        model.train_function = None  # what was compiled before knows nothing of this

    def penalty(self) -> float:
        """The sum of all penalties at the present weights: a number to log, never a part of the loss."""
        self._refuse_detached()
        now = min(int(self._optimizer.iterations) / self._steps, 1.0) if self._steps else 0.0
        total = 0.0
        for part in self.parts:
            if isinstance(part.declared, Penalty):
                seen = [
                    _tensor(w) - self._starts.get(f"{part.declared.key}/{w.name}", torch.zeros(()))
                    for w in part.weights
                ]
                total += float(part.declared.at(now).value(seen))
        return total

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """What ``model.save`` does not keep: starting points, averages, the patience used up and the best weights.

        After loading a model, call :func:`bridle.keras.regularize` on it again, then :meth:`load_state_dict`.
        """
        starts = {f"start/{name}": value.numpy() for name, value in self._starts.items()}
        return starts | (self._average.state() if self._average else {}) | self._course.state()

    def load_state_dict(self, state: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Go on from what :meth:`state_dict` gave; the next ``fit`` counts its patience on.

        Raises:
            RecipeError: If the state is of another recipe or model, or after :meth:`detach`.
        """
        self._refuse_detached()
        here, there = set(_lasting(self.state_dict())), set(_lasting(state))
        if here != there:
            raise RecipeError(
                "This state is not that of a handle with this recipe and model: it needs "
                f"{', '.join(sorted(here)) or 'nothing'}; got {', '.join(sorted(there)) or 'nothing'}."
            )
        for name, start in self._starts.items():
            start.copy_(torch.as_tensor(np.array(state[f"start/{name}"])))
        self.model.train_function = None  # starting points are constants of what was compiled
        if self._average:
            self._average.load(state)
        self._course.load(state)
        self._course.resumed = True

    def detach(self) -> None:
        """Stop acting: the optimizer's step, the model's training and the rates of its dropout are its own again.

        Raises:
            RecipeError: If it was detached before.
        """
        self._refuse_detached()
        for holder, name in dict.fromkeys(self._wrapped):  # compute_loss may be wrapped twice
            delattr(holder, name)
        self._wrapped = []
        self._places.release()
        self.model.train_function = None

    def _wrap(self, holder: Any, name: str, function: Callable[..., Any]) -> None:
        setattr(holder, name, function)
        self._wrapped.append((holder, name))

    def _step(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """The optimizer's step on clipped gradients, with the recipe around it."""

        def step(gradients: Any, variables: Any, learning_rate: Any) -> None:
            places = {id(variable): number for number, variable in enumerate(variables)}
            taken = self._optimizer.iterations
            ready = self._formulas.before(list(gradients), places, learning_rate, taken)
            inner(ready, variables, learning_rate)
            self._formulas.after(places, learning_rate, taken)
            if self._average:
                self._average.update()

        step.__dict__["handle"] = self
        return step

    def _checked(self, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The training step, if it is still that of the model and optimizer that the recipe was bound to."""
        known = {id(weight.variable) for weight in self._known.values()}

        @functools.wraps(inner)
        def step(data: Any) -> Any:
            if self.model.optimizer is not self._optimizer:
                raise RecipeError(
                    "The model was compiled again after bridle.keras.regularize, so that its recipe acts on an "
                    "optimizer that is gone. Call handle.detach() and regularize(model, recipe) again."
                )
            if any(id(variable) not in known for variable in self.model.trainable_variables):
                raise RecipeError(
                    "The model trains other weights than when the recipe was bound (a layer was added or unfrozen). "
                    "Compile it, call handle.detach() and regularize(model, recipe) again."
                )
            return inner(data)

        return step

    def _accompanied(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """``model.fit`` with the recipe's own callback."""
        signature = inspect.signature(inner)

        @functools.wraps(inner)
        def fit(*args: Any, **kwargs: Any) -> Any:
            call = signature.bind(*args, **kwargs)
            given = call.arguments.get("callbacks")
            if isinstance(given, keras.callbacks.CallbackList):  # taken as it is: nobody gives it the model
                self._course.set_model(self.model)
                given.callbacks += [] if self._course in given.callbacks else [self._course]
            else:
                call.arguments["callbacks"] = [self._course, *_listed(given)]
            try:
                return inner(*call.args, **call.kwargs)
            finally:
                self._course.resumed = False

        return fit

    def _refuse_detached(self) -> None:
        if not self._wrapped:
            raise RecipeError(
                "This handle was detached and acts on nothing any more. Call bridle.keras.regularize again."
            )


def _average(recipe: Recipe, known: Mapping[str, Weight], parts: Any) -> Average | None:
    found = recipe.of(EMA)
    sparse = frozenset(weight.name for part in parts if part.exact for weight in part.weights)
    return Average(found[0], list(known.values()), sparse) if found else None


def _tensor(weight: Weight) -> torch.Tensor:
    """A copy of a weight as torch lays it out."""
    return torch.from_numpy(array(weight.variable)).permute(weight.permutation()).contiguous()


def _listed(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def _lasting(state: Mapping[str, Any]) -> list[str]:
    return [name for name in state if not name.startswith(("best/", "live/"))]
