"""A recipe at work in a user's own loop, through the hooks of torch's optimizers."""

from collections.abc import Callable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo  # torch.compiler.disable would import the whole compiler
from torch.optim import Optimizer

from bridle.core import Recipe
from bridle.engine.denormals import snap
from bridle.engine.overlaps import overlaps
from bridle.engine.penalties import Penalties
from bridle.engine.settle import settle
from bridle.errors import RecipeError
from bridle.records import Finding

SNAP_EVERY = 100
"""Steps between two looks for denormal numbers."""


@final
class Handle:
    """What :func:`bridle.attach` gives: the recipe acts at each ``optimizer.step()`` until :meth:`detach`.

    Before the optimizer's step, after any clipping of the user's, the penalties' gradients are added; after it come
    the proximal steps. With ``optimizer.step(closure)`` the gradients are added at the end of the closure, which
    would wipe what was added before. Under a :class:`torch.amp.GradScaler` a skipped step stays skipped.

    Attributes:
        scopes: The full names of the weights that each penalty touches.
        findings: What was noticed when it was attached, such as a penalty on top of the optimizer's own decay.
        step: How many steps the optimizer has taken.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        recipe: Recipe,
        *,
        steps: int | None,
        copies: Mapping[str, Tensor] | None,
    ) -> None:
        self._optimizer, self._steps = optimizer, steps
        self._penalties = Penalties(model, optimizer, recipe, copies)
        self.scopes = self._penalties.scopes
        self.findings: tuple[Finding, ...] = overlaps(self._penalties, optimizer)
        self.step = 0
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
        return self._penalties.value()

    def settle(self, loss: Callable[[], Tensor], steps: int = 100) -> int:
        """Settle exact zeros after training: proximal steps with full gradients in place of the optimizer's.

        Args:
            loss: The data loss over all training examples, a scalar with a graph, without any penalty; the model in
                evaluation mode.
            steps: The most steps; each takes a gradient and one or more losses.

        Returns:
            How many were taken until no step went down any more.

        Raises:
            RecipeError: After :meth:`detach`.
        """
        self._refuse_detached()
        self._penalties.schedule(1.0)
        weights = [weight for group in self._optimizer.param_groups for weight in group["params"]]

        def objective(gradients: bool) -> float:
            with torch.set_grad_enabled(gradients):
                value = loss()
            slopes = torch.autograd.grad(value, weights, allow_unused=True) if gradients else ()
            for weight, slope in zip(weights, slopes, strict=False):
                weight.grad = slope
            return value.item()

        return settle(self._penalties, weights, objective, steps)

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

    def detach(self) -> None:
        """Stop acting on the optimizer's steps.

        Raises:
            RecipeError: If it was detached before.
        """
        self._refuse_detached()
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _refuse_detached(self) -> None:
        if not self._hooks:
            raise RecipeError("This handle was detached and acts on nothing any more. Call bridle.attach again.")

    @_disable_dynamo
    def _before(self, _: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("closure") is not None:
            return args, kwargs | {"closure": self._completed(kwargs["closure"])}
        if len(args) > 1 and args[1] is not None:
            return (args[0], self._completed(args[1]), *args[2:]), kwargs
        self._complete()
        return None

    def _completed(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """The closure with the penalties' gradients added as its last act."""

        def complete() -> Any:
            with torch.enable_grad():
                loss = closure()
            self._complete()
            return loss

        return complete

    def _complete(self) -> None:
        self._penalties.schedule(self.step / self._steps if self._steps else 0.0)
        # A fused optimizer under a GradScaler divides by the scale within its step.
        self._penalties.add_gradients(getattr(self._optimizer, "grad_scale", None))

    @_disable_dynamo
    def _after(self, *_: Any) -> None:
        self._penalties.proximal_steps(getattr(self._optimizer, "found_inf", None))
        self.step += 1
        if self.step % SNAP_EVERY == 0:
            snap(self._optimizer)
