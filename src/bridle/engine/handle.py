"""A recipe at work in a user's own loop, through the hooks of torch's optimizers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, final

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo  # torch.compiler.disable would import the whole compiler
from torch.optim import Optimizer

from bridle.core import Draws, LossTerm, Recipe
from bridle.engine.again import Again
from bridle.engine.denormals import snap
from bridle.engine.groups import identity, weights_in
from bridle.engine.optimality import dense_copy, residual
from bridle.engine.overlaps import overlaps
from bridle.engine.penalties import Penalties
from bridle.engine.settle import settle
from bridle.engine.terms import Terms
from bridle.engine.unfit import refuse_types
from bridle.engine.updates import Updates
from bridle.errors import RecipeError
from bridle.records import Finding

SNAP_EVERY = 100
"""Steps between two looks for denormal numbers."""


@final
class Handle:
    """What :func:`bridle.attach` gives: the recipe acts at each ``optimizer.step()`` until :meth:`detach`.

    Before the optimizer's step, after any clipping of the user's, the penalties' gradients are added; after it come
    the proximal steps. With ``optimizer.step(closure)`` the gradients are added at the end of the closure, which
    would wipe what was added before. Under a :class:`torch.amp.GradScaler` a skipped step stays skipped. Update rules
    act around all of that; loss terms are the one thing to write into the loop: ``loss = loss + handle.terms()``.

    Attributes:
        scopes: The full names of the weights, or modules, that each regularizer touches.
        findings: What was noticed when it was attached, such as a penalty on top of the optimizer's own decay.
        step: How many steps the optimizer has taken.
        repeats: Whether the closure runs once more for a rule that takes the gradient twice.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        recipe: Recipe,
        *,
        steps: int | None,
        seed: int,
        copies: Mapping[str, Tensor] | None,
    ) -> None:
        self._model, self._optimizer, self._steps, self._seed = model, optimizer, steps, seed
        self._penalties = Penalties(model, optimizer, recipe, copies)
        self._updates = Updates(model, optimizer, recipe, copies)
        self._terms = Terms(model, recipe)
        self._waiting = self._declared = ", ".join(term.key for term in recipe.of(LossTerm))
        self._unskipped: list[tuple[Tensor, Tensor]] = []
        self.scopes = self._penalties.scopes | self._updates.scopes | self._terms.scopes
        self.findings: tuple[Finding, ...] = overlaps(self._penalties, self._updates, optimizer)
        self.step, self.repeats, self._copies, self._left_out = 0, False, bool(copies), ""
        self._groups = identity(optimizer)
        self._frozen = [weight for weight in weights_in(optimizer) if not weight.requires_grad]
        self._hooks = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        ]

    def penalty(self) -> float:
        """The sum of all penalties at the present weights: a number to log, never a part of the loss.

        Raises:
            RecipeError: After :meth:`detach`.
        """
        self._refuse_detached()
        self._penalties.schedule(self._progress)
        return self._penalties.value()

    @_disable_dynamo  # a strength that moves would be a constant of the graph
    def terms(self, weights: Tensor | None = None) -> Tensor:
        """The loss terms of the last forward pass, to be added to the loss: ``loss = loss + handle.terms()``.

        Zero where the recipe has none. With micro-batches call it after each, and weigh it as their loss.

        Args:
            weights: ``(B,)`` the examples' weights in the data loss; by default all alike.

        Raises:
            ModelError: If the model was not called in training mode since the last call.
            RecipeError: After :meth:`detach`.
        """
        self._refuse_detached()
        self._waiting = ""
        return self._terms.value(self._draws, self._progress, weights)

    @property
    def has_terms(self) -> bool:
        """Whether the recipe has loss terms."""
        return bool(self._declared)

    def keep_zeros(self, averaged: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Averaged weights, by name, with the exact zeros of the live ones where a penalty makes such zeros."""
        return self._penalties.keep_zeros(averaged, dict(self._model.named_parameters()))

    def settle(self, loss: Callable[[], Tensor], steps: int = 100) -> int:
        """Settle exact zeros after training: proximal steps with full gradients in place of the optimizer's.

        Args:
            loss: The data loss over all training examples, a scalar with a graph, without any penalty; the model in
                evaluation mode.
            steps: The most steps; each takes a gradient and one or more losses.

        Returns:
            How many were taken until no step went down any more.

        Raises:
            RecipeError: After :meth:`detach`, or where an update rule keeps weights within a bound.
        """
        self._refuse_detached()
        self._updates.refuse_settling()
        if self._copies:
            raise RecipeError(
                "settle(...) moves the weights that the loss is of; these have copies, which it does not serve."
            )
        self._penalties.schedule(1.0)
        weights = [weight for weight in weights_in(self._optimizer) if weight.requires_grad]

        def objective(gradients: bool) -> float:
            with torch.set_grad_enabled(gradients):
                value = loss()
            slopes = torch.autograd.grad(value, weights, allow_unused=True) if gradients else ()
            for weight, slope in zip(weights, slopes, strict=False):
                weight.grad = None if slope is None else dense_copy(slope)
            return value.item()

        taken = settle(self._penalties, weights, objective, steps)
        for weight in weights:
            weight.grad = None
        return taken

    def kkt_residual(self, loss: Callable[[], Tensor]) -> float:
        """How far the weights are from a stationary point; see :func:`bridle.kkt_residual`.

        Raises:
            RecipeError: After :meth:`detach`.
        """
        self._refuse_detached()
        self._penalties.schedule(1.0)
        return residual(self._penalties, weights_in(self._optimizer), loss)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs beside the model's and the optimizer's state: the step and starting points."""
        return {"step": self.step, "start": self._penalties.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave.

        Raises:
            RecipeError: If the state is of another recipe, or after :meth:`detach`.
        """
        self._refuse_detached()
        here, there = self._penalties.state(), state.get("start", {})
        alike = {name: value.shape for name, value in here.items()} == {
            name: value.shape for name, value in there.items()
        }
        if "step" not in state or not alike:
            raise RecipeError(
                "This state is not that of a handle with this recipe and model: it needs a step, and starting points "
                f"for {', '.join(here) or 'no weight'}; got {', '.join(state) or 'nothing'}"
                f"{' with ' + ', '.join(there) if there else ''}."
            )
        self.step = int(state["step"])
        self._penalties.load(there)

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Within it the steps lack a part: ``"penalty"`` (gradients), ``"proximal"`` (and bounds) or ``"decay"``."""
        rules, self._left_out = self._updates.parts, part
        if part == "proximal":
            self._updates.parts = [item for item in rules if not item[0].constrains]
        elif part == "decay":
            self._updates.parts = [item for item in rules if not item[0].decays]
        try:
            yield
        finally:
            self._updates.parts, self._left_out = rules, ""

    def detach(self) -> None:
        """Stop acting on the optimizer's steps.

        Raises:
            RecipeError: If it was detached before.
        """
        self._refuse_detached()
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        self._terms.remove()

    def _refuse_detached(self) -> None:
        if not self._hooks:
            raise RecipeError("This handle was detached and acts on nothing any more. Call bridle.attach again.")

    @property
    def _progress(self) -> float:
        return self.step / self._steps if self._steps else 0.0

    @property
    def _draws(self) -> Draws:
        return Draws(self._seed, 0, self.step)

    def _refuse_changes(self) -> None:
        """What is trained now must be what the recipe was bound to: a weight that came later would go without it."""
        if identity(self._optimizer) != self._groups or any(weight.requires_grad for weight in self._frozen):
            raise RecipeError(
                f"The {type(self._optimizer).__name__} trains other weights than when the recipe was attached (a "
                "parameter group was added, or a weight unfrozen). Call handle.detach() and bridle.attach again."
            )
        for item, weights in self._penalties.by_penalty() if self.step % SNAP_EVERY == 0 else ():
            refuse_types(item, weights)

    @_disable_dynamo
    def _before(self, _: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._refuse_changes()
        if kwargs.get("closure") is not None:
            return args, kwargs | {"closure": self._completed(kwargs["closure"])}
        if len(args) > 1 and args[1] is not None:
            return (args[0], self._completed(args[1]), *args[2:]), kwargs
        if self._updates.recompute:
            raise RecipeError(
                f"{self._updates.rules[0].key} takes the gradient twice in a step, so it needs "
                "optimizer.step(closure): a function that zeroes the gradients, computes the loss, calls backward "
                "and gives the loss."
            )
        self._complete(lambda: None)
        return None

    def _completed(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """The closure with what precedes the optimizer's step as its last act."""

        def complete() -> Any:
            again = Again(self._model) if self._updates.recompute else nullcontext

            def gradient_at() -> None:
                self.repeats = True
                try:
                    with again():
                        closure()
                finally:
                    self.repeats = False

            with torch.enable_grad():
                loss = closure()
            self._complete(gradient_at)
            return loss

        return complete

    def _complete(self, gradient_at: Callable[[], None]) -> None:
        if self._waiting:
            raise RecipeError(
                f"{self._waiting} was declared and never added to the loss. Write loss = loss + handle.terms() after "
                "each forward pass, or leave it out of the recipe."
            )
        if self._updates.rules:
            self._unscale()
            self._updates.before(self._draws, self._progress, gradient_at)
        self._penalties.schedule(self._progress)
        if self._left_out == "penalty":
            return
        # A fused optimizer under a GradScaler divides by the scale within its step.
        self._penalties.add_gradients(getattr(self._optimizer, "grad_scale", None))

    def _unscale(self) -> None:
        """Show rules plain gradients, and keep the weights where only the device knows whether the step is skipped."""
        optimizer: Any = self._optimizer
        weights: list[Any] = [weight for weight in weights_in(optimizer) if weight.grad is not None]
        if getattr(optimizer, "grad_scale", None) is not None:
            torch._foreach_mul_([weight.grad for weight in weights], optimizer.grad_scale.double().reciprocal().float())
            optimizer.grad_scale = None
        if getattr(optimizer, "found_inf", None) is not None:
            self._unskipped = [(weight, weight.detach().clone()) for weight in weights]

    @_disable_dynamo
    def _after(self, *_: Any) -> None:
        skipped = getattr(self._optimizer, "found_inf", None)
        if self._left_out != "proximal":
            self._penalties.proximal_steps(skipped)
        self._updates.after()
        for weight, before in self._unskipped:
            with torch.no_grad():
                weight.copy_(torch.where(skipped.bool(), before, weight))  # type: ignore[union-attr]
        self._unskipped, self._waiting = [], self._declared
        self.step += 1
        if self.step % SNAP_EVERY == 0:
            snap(self._optimizer)
