"""A whole recipe beside a training that somebody else's trainer runs."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, final

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo  # torch.compiler.disable would import the whole compiler
from torch.optim import Optimizer

from bridle.core import Draws, LossTerm, Noise, Recipe
from bridle.engine.attach import KINDS, attach, refuse_open
from bridle.engine.counted_dropout import CountedDropout
from bridle.engine.handle import Handle
from bridle.engine.kept_weights import Forward, KeptWeights
from bridle.engine.noise import PlacedNoise
from bridle.engine.own_batches import OwnBatches
from bridle.engine.unwrapped import plain_optimizer, unwrapped
from bridle.errors import RecipeError


@final
class Companion:
    """All kinds of a recipe in a training whose loop is another's: what each integration is made of.

    Penalties, update rules and loss terms act as :func:`bridle.attach` lets them; averages follow each
    ``optimizer.step()`` by themselves. The loop calls, in this order::

        inputs, targets = companion.batch(inputs, targets)  # or begin(), where no batch can be changed
        loss = loss_of(model(inputs), targets) + companion.terms()
        ...  # backward, clipping, optimizer.step()
        with companion.averaged(loader):
            value = evaluate(model)
        if companion.watch(value):
            ...  # end the training
        companion.finish(loader)  # the weights that are kept

    Without row numbers the draws of an example are keyed by its place in the batch, the number of the batch, and the
    replica.

    Args:
        model: The model.
        optimizer: Its optimizer.
        recipe: The recipe, nothing free in it. Its training settings are not used.
        seed: Of all draws.
        steps: How many optimizer steps the training takes, for dials that follow a schedule.
        replica: The number of this process among those that train the same weights: each draws its own noise.
        classes: How many classes there are; needed where class numbers are smoothed or mixed.
        continuous: For tables, how many leading columns are standardised numbers; ``None``: all.

    Raises:
        RecipeError: If the recipe is empty or has free dials, or as :func:`bridle.attach` does.
        ScopeError: If a scope matches nothing.

    Attributes:
        handle: The handle on the optimizer; ``None`` where the recipe has nothing that acts there.
        step: How many steps the optimizer has taken.
        batches: How many batches were begun; several per step with micro-batches.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        recipe: Recipe,
        *,
        seed: int = 0,
        steps: int | None = None,
        replica: int = 0,
        classes: int | None = None,
        continuous: int | None = None,
    ) -> None:
        refuse_open(recipe, steps, "Companion")
        if not recipe.regularizers:
            raise RecipeError("This recipe is empty: put a regularizer into it, for example bridle.L2(3e-4).")
        self._model, self._recipe = unwrapped(model), recipe
        self._seed, self._steps, self._replica = seed, steps, replica
        self._own = OwnBatches(recipe, classes, continuous)
        looks = any(term.needs_activations for term in recipe.of(LossTerm))
        places = bool(recipe.of(Noise)) or looks
        self._dropout = CountedDropout(self._model) if places else None
        self._noise: PlacedNoise | None = None
        try:
            self._noise = PlacedNoise(self._model, recipe) if places else None
            self.handle = self._attach(optimizer)
        except BaseException:  # a warning that is an error here, too: the model is left as it was
            self._restore()
            raise
        self._kept = KeptWeights(self._model, recipe)
        self.step = self.batches = 0
        self._begun, self._draws = False, Draws(seed, replica, 0)
        self._hook: Any = plain_optimizer(optimizer).register_step_post_hook(self._after)

    def _attach(self, optimizer: Optimizer) -> Handle | None:
        acting = [item for item in self._recipe.regularizers if isinstance(item, KINDS)]
        if not acting:
            return None
        return attach(self._model, optimizer, Recipe(*acting), steps=self._steps, seed=self._seed)

    @property
    def progress(self) -> float:
        """The share of the training that is done, in [0, 1]; 0 where its length is not known."""
        return self.step / self._steps if self._steps else 0.0

    @property
    def changes_batches(self) -> bool:
        """Whether :meth:`batch` changes what it is given: an augmentation or a rule for targets is declared."""
        return self._own.act

    @property
    def softens_targets(self) -> bool:
        """Whether :meth:`batch` gives rows of probabilities, or mixtures of numbers, as targets."""
        return self._own.soften

    @property
    def averages(self) -> bool:
        """Whether evaluation sees averaged weights."""
        return self._kept.averages

    @property
    def stops(self) -> bool:
        """Whether a rule decides when training ends."""
        return self._kept.stops

    def begin(self) -> None:
        """Take the draws of the next batch; call it once before each forward pass that trains.

        Under a rule that takes the gradient twice (SAM) the second pass keeps the draws of the first.
        """
        self._kept.see()
        if self.handle is None or not self.handle.repeats:
            self.batches += 1
        self._draws = Draws(self._seed, self._replica, self.batches - 1)
        if self._noise is not None:
            self._noise.set(self._draws, self.progress)
        self._begun = True

    def batch(self, inputs: Tensor, targets: Tensor, examples: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """:meth:`begin`, and the batch augmented and with its targets changed; in evaluation mode as it came.

        Args:
            inputs: ``(B, columns)``, or images ``(B, channels, height, width)`` in [0, 1].
            targets: ``(B,)`` class numbers, ``(B, C)`` rows of probabilities, or numbers ``(B,)`` or ``(B, 1)``.
            examples: ``(B,)`` row numbers of the examples in the data set, to key their draws.

        Returns:
            Inputs and targets; targets that are smoothed or mixed as rows of probabilities ``(B, C)``, numbers in the
            shape that they had.

        Raises:
            DataError: If the recipe cannot act on such a batch.
            RecipeError: If ``classes`` is needed and was not given.
        """
        if not self._model.training:
            return inputs, targets
        self.begin()
        return self._own(inputs, targets, self._draws, self.progress, examples)

    def terms(self, weights: Tensor | None = None) -> Tensor:
        """The loss terms of the last forward pass, a scalar to be added to the loss; zero where there are none."""
        return torch.zeros(()) if self.handle is None else self.handle.terms(weights)

    def penalty(self) -> float:
        """The sum of all penalties at the present weights: a number to log."""
        return 0.0 if self.handle is None else self.handle.penalty()

    @_disable_dynamo
    def _after(self, optimizer: Optimizer, *_: Any) -> None:
        if not self._begun and (self._own.act or (self._noise is not None and self._noise.acts)):
            raise RecipeError(
                "The recipe has noise, augmentations or rules for targets, and no batch was begun before this step: "
                "they had no effect. Call companion.batch(inputs, targets) before each forward pass."
            )
        skipped = getattr(optimizer, "found_inf", None)  # fused optimizers skip a step within it
        if skipped is None or not skipped.item():
            self._kept.update(self.progress)
        self.step += 1
        self._begun = False

    def averaged(
        self, loader: Iterable[Any] | None = None, forward: Forward | None = None
    ) -> AbstractContextManager[None]:
        """The model with its averaged weights for a while, where the recipe has averaging; else as it is.

        Args:
            loader: Clean training batches, on which batch-norm statistics are recomputed for the averaged weights.
            forward: Calls the model on one of them; by default with the batch, or with its first part where it is a
                tuple or list.

        Raises:
            RecipeError: If the model normalises batches and no loader is given.
        """
        return self._kept.averaged(self._keep_zeros, loader, forward)

    def _keep_zeros(self, averaged: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return averaged if self.handle is None else self.handle.keep_zeros(averaged)

    def watch(self, value: float | Tensor) -> bool:
        """Tell the stop rules the clean loss of an epoch; whether training is to end.

        The weights of the best epoch are remembered as they were evaluated, averaged where there is averaging;
        :meth:`finish` brings them back.

        Args:
            value: A loss, lower is better: of clean data, without any penalty. NaN counts as no improvement.
        """
        return self._kept.watch(value)

    @property
    def should_stop(self) -> bool:
        """Whether a stop rule has ended the training."""
        return self._kept.should_stop

    def finish(self, loader: Iterable[Any] | None = None, forward: Forward | None = None) -> None:
        """Put the weights that are kept into the model: those of the best watched epoch, or else the averaged ones.

        Args:
            loader: As in :meth:`averaged`.
            forward: As in :meth:`averaged`.
        """
        kept = self._kept.best
        if not kept and self._kept.averages:
            with self.averaged(loader, forward):
                kept = self._kept.copies()
        if kept:
            self._model.load_state_dict(kept)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs beside the model's and the optimizer's state: tensors and numbers only."""
        handle = {} if self.handle is None else self.handle.state_dict()
        return {"step": self.step, "batches": self.batches, "handle": handle} | self._kept.state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave.

        Raises:
            RecipeError: If the state is of another recipe.
        """
        self._kept.load(state)
        if self.handle is not None:
            self.handle.load_state_dict(state.get("handle", {}))
        self.step, self.batches = int(state["step"]), int(state["batches"])

    def detach(self) -> None:
        """Stop acting; the user's dropout modules are put back."""
        self._hook.remove()
        if self.handle is not None:
            self.handle.detach()
        self._restore()

    def _restore(self) -> None:
        if self._noise is not None:
            self._noise.remove()
        if self._dropout is not None:
            self._dropout.restore()
