"""The optimizer's own step, taken again from its gradients alone: what a script lets an audit repeat."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim import optimizer as module_of_hooks

from bridle.auditing.fits import proportion
from bridle.auditing.noted import Noted
from bridle.auditing.probe import DECAYS
from bridle.auditing.trace import Plan, Trace, dense
from bridle.engine.handle import Handle


@final
class Replay:
    """Runs ``optimizer.step()`` under a plan, as :class:`bridle.auditing.probe.Probe` runs a whole training step.

    The loss is not computed again: the data's gradient is what the penalties that were seen leave of the whole, and
    what they are at other weights is not known. Clipping is the factor that it was. Nothing is undone here. Hooks on
    the optimizer that are not Bridle's stay off, since what they do could not be undone.

    Args:
        optimizer: The optimizer, about to step.
        weights: The parameters to look at.
        noted: What was seen before.
    """

    recomputes = False

    def __init__(self, optimizer: Optimizer, weights: list[Tensor], noted: Noted) -> None:
        self.optimizer, self.weights, self.runs = optimizer, weights, 0
        self.scalers: list[Any] = []
        self.held: list[Tensor] = [weight for group in optimizer.param_groups for weight in group["params"]]
        self._noted, unclipped = noted, dict(noted.unclipped())
        self._gradients = {
            weight: _Gradient(dense(weight.grad), unclipped.get(weight), self._penalty(weight))
            for weight in self.held
            if weight.grad is not None
        }
        owners = [getattr(hook, "__self__", None) for hook in optimizer._optimizer_step_pre_hooks.values()]
        self.handle = next((owner for owner in owners if isinstance(owner, Handle)), None)

    def _penalty(self, weight: Tensor) -> Tensor | None:
        penalty = self._noted.penalties.get(weight)
        return None if penalty is None else penalty / self._noted.scale

    def run(self, plan: Plan) -> Trace:
        """One step, with the gradients that the plan leaves."""
        trace = Trace(scale=self._noted.scale, unscaled_penalty=self._noted.unscaled)
        self.runs += 1
        for weight, gradient in self._gradients.items():
            removed = plan.removed[weight].value if weight in plan.removed else None
            weight.grad = gradient.under(plan, removed)
            if plan.watch:
                trace.accumulated[weight] = gradient.whole(plan.silent)
                trace.seen[weight], trace.passes[weight] = weight.grad.clone(), max(self._noted.passes, 1)
                trace.changes[weight] = self._noted.penalty_passes.get(weight, 0)
        if plan.watch:
            trace.roots, trace.data_weights = list(self._noted.roots), list(self._noted.data_weights)
            trace.losses = [0.0] * self._noted.passes
            trace.before = {weight: weight.detach().clone() for weight in self.weights}
        with ExitStack() as stack:
            stack.enter_context(self._hooked(plan, trace))
            if self.handle is not None and plan.left_out:
                stack.enter_context(self.handle.without(plan.left_out))
            for group in self.optimizer.param_groups if plan.no_decay else ():
                group.update({name: group[name] * 0 for name in DECAYS if group.get(name)})
            type(self.optimizer).step(self.optimizer)
        trace.steps = trace.evaluations = trace.calls = 1
        if plan.watch:
            trace.after = {weight: weight.detach().clone() for weight in self.weights}
        return trace

    @contextmanager
    def _hooked(self, plan: Plan, trace: Trace) -> Iterator[None]:
        """Bridle's hooks on the optimizer and one of ours behind them; no others, and no global ones."""
        optimizer: Any = self.optimizer

        @torch.no_grad()
        def last(*_: Any) -> None:
            for weight, strength in plan.pull.items():
                if weight.grad is not None and strength:
                    weight.grad.add_(weight, alpha=strength)
            if plan.watch:
                trace.final.update(
                    {weight: dense(weight.grad) for weight in self._gradients if weight.grad is not None}
                )

        replaced = {
            (optimizer, "_optimizer_step_pre_hooks"): {**_of_bridle(optimizer._optimizer_step_pre_hooks), -1: last},
            (optimizer, "_optimizer_step_post_hooks"): _of_bridle(optimizer._optimizer_step_post_hooks),
            (module_of_hooks, "_global_optimizer_pre_hooks"): {},
            (module_of_hooks, "_global_optimizer_post_hooks"): {},
        }
        before = {place: getattr(*place) for place in replaced}
        try:
            for place, hooks in replaced.items():
                setattr(*place, OrderedDict(hooks))
            yield
        finally:
            for place, hooks in before.items():
                setattr(*place, hooks)


class _Gradient:
    """The gradient of one weight as the step hands it over, and what is known of its parts.

    Args:
        handed: The gradient that the optimizer is about to step along.
        raw: The same before clipping, where that was seen.
        penalty: What the penalties in the loss are of it, before clipping; None where none was seen.
    """

    def __init__(self, handed: Tensor, raw: Tensor | None, penalty: Tensor | None) -> None:
        self._handed, self._raw = handed, handed if raw is None else raw
        self._penalty = torch.zeros_like(handed) if penalty is None else penalty
        self._clip = 1.0 if raw is None else proportion(handed, raw)[0]

    def whole(self, silent: bool) -> Tensor:
        """Before clipping, with the data's part or, where it is silent, without."""
        return self._penalty if silent else self._raw

    def under(self, plan: Plan, removed: Tensor | None) -> Tensor:
        """A copy as the plan leaves it."""
        unclipped = plan.raw or not plan.clips
        clip = 1.0 if unclipped else self._clip
        gradient = self._penalty * clip if plan.silent else self._raw if unclipped else self._handed
        return gradient.clone() if removed is None else gradient - removed * clip


def _of_bridle(hooks: Any) -> dict[int, Any]:
    return {key: hook for key, hook in hooks.items() if isinstance(getattr(hook, "__self__", None), Handle)}
