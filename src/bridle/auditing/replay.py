"""The optimizer's own step, taken again from its gradients alone: what a script lets an audit repeat."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, final

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim import optimizer as module_of_hooks

from bridle.auditing.probe import DECAYS
from bridle.auditing.trace import Plan, Trace, dense
from bridle.engine.handle import Handle


@final
class Replay:
    """Runs ``optimizer.step()`` under a plan, as :class:`bridle.auditing.probe.Probe` runs a whole training step.

    The loss is not computed again, so what the plan says about outputs of modules has no meaning here, and a penalty
    in the loss is part of the data's gradient. Nothing is undone here. Hooks on the optimizer that are not Bridle's
    stay off, since what they do could not be undone.

    Args:
        optimizer: The optimizer, about to step.
        weights: The parameters to look at.
        raw: By weight, the gradient before clipping, where it was seen.
        data_weights: The factors in front of the mean data losses that went backward, one per pass; none if unknown.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        weights: list[Tensor],
        raw: dict[Tensor, Tensor],
        data_weights: Sequence[Tensor] = (),
    ) -> None:
        self.optimizer, self.weights, self.runs = optimizer, weights, 0
        self.scalers: list[Any] = []
        self.held: list[Tensor] = [weight for group in optimizer.param_groups for weight in group["params"]]
        self._handed = {weight: dense(weight.grad) for weight in self.held if weight.grad is not None}
        self._raw = raw
        self._data_weights = list(data_weights)
        owners = [getattr(hook, "__self__", None) for hook in optimizer._optimizer_step_pre_hooks.values()]
        self.handle = next((owner for owner in owners if isinstance(owner, Handle)), None)

    def run(self, plan: Plan) -> Trace:
        """One step, with the gradients that the plan leaves."""
        trace = Trace()
        self.runs += 1
        for weight, handed in self._handed.items():
            unclipped = self._raw.get(weight, handed)
            gradient = unclipped if plan.raw or not plan.clips else handed
            weight.grad = torch.zeros_like(handed) if weight in plan.removed else gradient.clone()
            if plan.watch:
                trace.accumulated[weight], trace.seen[weight], trace.passes[weight] = unclipped, gradient, 1
        if plan.watch:
            trace.data_weights, trace.losses = self._data_weights, [0.0] * len(self._data_weights)
            trace.before = {weight: weight.detach().clone() for weight in self.weights}
        with ExitStack() as stack:
            stack.enter_context(self._hooked(plan, trace))
            if self.handle is not None and plan.left_out:
                stack.enter_context(self.handle.without(plan.left_out))
            for group in self.optimizer.param_groups if plan.no_decay else ():
                group.update({name: group[name] * 0 for name in DECAYS if group.get(name)})
            type(self.optimizer).step(self.optimizer)
        trace.steps = 1
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
                trace.final.update({weight: dense(weight.grad) for weight in self._handed if weight.grad is not None})

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


def _of_bridle(hooks: Any) -> dict[int, Any]:
    return {key: hook for key, hook in hooks.items() if isinstance(getattr(hook, "__self__", None), Handle)}
