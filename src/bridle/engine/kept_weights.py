"""Which weights a training keeps: averaged ones, and those of the best watched epoch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias, final

import torch
from torch import Tensor, nn

from bridle.core import Averaging, Recipe, State, StopRule
from bridle.engine.batch_norm import recompute, tracking
from bridle.engine.evaluate import with_weights
from bridle.errors import RecipeError

Forward: TypeAlias = Callable[[Any], object]
"""Calls the model on one batch of a loader."""


@final
class KeptWeights:
    """A recipe's averaging and stop rules on one model.

    Args:
        model: The model.
        recipe: The recipe; nothing free in it.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._model = model
        self._averaging, self._rules = recipe.of(Averaging), recipe.of(StopRule)
        self._weights = dict(model.named_parameters())
        self._averages: list[State] = [item.start(self._weights) for item in self._averaging]
        self._stops: list[State] = [rule.start() for rule in self._rules]
        self._best: dict[str, Tensor] = {}
        self._evaluated: dict[str, Tensor] = {}
        self._norms: list[nn.Module] | None = None

    @property
    def averages(self) -> bool:
        """Whether evaluation sees averaged weights."""
        return bool(self._averages)

    @property
    def stops(self) -> bool:
        """Whether a rule decides when training ends."""
        return bool(self._stops)

    def see(self) -> None:
        """Note at the first training batch which batch-norm layers the user trains: others keep their statistics."""
        if self._norms is None:
            self._norms = tracking(self._model)

    def update(self, progress: float) -> None:
        """Let each average follow one step of the optimizer."""
        for place, averaging in enumerate(self._averaging):
            self._averages[place] = averaging.at(progress).update(self._averages[place], self._weights)

    @contextmanager
    def averaged(
        self,
        keep_zeros: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]],
        loader: Iterable[Any] | None,
        forward: Forward | None,
    ) -> Iterator[None]:
        """The model with its averaged weights for a while, where there is averaging; else as it is.

        Args:
            keep_zeros: Gives averaged weights the exact zeros of the live ones.
            loader: Clean training batches for the batch-norm statistics of averaged weights.
            forward: Calls the model on one of them; by default with the batch, or its first part.

        Raises:
            RecipeError: If the model normalises batches and there is no loader.
        """
        if not self._averages:
            yield
            return
        norms = tracking(self._model) if self._norms is None else self._norms
        if norms and loader is None:
            raise RecipeError(
                "The averaged weights of a model with batch normalisation need statistics of their own: give a loader "
                "of clean training batches on which they are recomputed."
            )
        with with_weights(self._model, keep_zeros(self._averaging[-1].average(self._averages[-1]))):
            if norms and loader is not None:
                call = forward or self._forward
                recompute(self._model, norms, (partial(call, batch) for batch in loader))
            if self._stops:
                self._evaluated = self.copies()
            yield

    def _forward(self, batch: Any) -> object:
        inputs = batch[0] if isinstance(batch, tuple | list) else batch
        return self._model(inputs.to(self._device))

    @property
    def _device(self) -> torch.device:
        return next(iter(self._weights.values())).device

    def watch(self, value: float | Tensor) -> bool:
        """Tell the stop rules a loss; whether training is to end."""
        watched = torch.as_tensor(value, dtype=torch.float64).cpu()
        for place, rule in enumerate(self._rules):
            self._stops[place] = rule.update(self._stops[place], watched)
            if rule.is_best(self._stops[place]):
                self._best = self._evaluated or self.copies()
        self._evaluated = {}
        return self.should_stop

    @property
    def should_stop(self) -> bool:
        """Whether a stop rule has ended the training."""
        return any(rule.should_stop(state) for rule, state in zip(self._rules, self._stops, strict=True))

    @property
    def best(self) -> dict[str, Tensor]:
        """Weights and buffers of the best watched epoch; empty where there was none."""
        return self._best

    def copies(self) -> dict[str, Tensor]:
        """Weights and buffers of the model as they are now."""
        return {name: value.detach().clone() for name, value in self._model.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """The averages, what the stop rules remember, and the best weights."""
        return {
            "averages": [dict(state) for state in self._averages],
            "stops": [dict(state) for state in self._stops],
            "best": dict(self._best),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave.

        Raises:
            RecipeError: If the state is of another recipe.
        """
        here = self.state()
        for part in ("averages", "stops"):
            if [set(entry) for entry in here[part]] != [set(entry) for entry in state.get(part, [])]:
                raise RecipeError(
                    f"This state is not that of a training with this recipe and model: its {part} differ. Resume with "
                    "the recipe that it was saved with."
                )
        for mine, given in zip([*self._averages, *self._stops], [*state["averages"], *state["stops"]], strict=True):
            for name, value in given.items():
                mine[name] = value.to(mine[name]).clone()
        self._best = {name: value.to(self._device) for name, value in state["best"].items()}
