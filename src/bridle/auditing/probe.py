"""One instrumented run of a training step."""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bridle.auditing.losses import LossWeights
from bridle.auditing.outputs import Outputs
from bridle.auditing.patches import backward_passes, no_clipping, unscaling
from bridle.auditing.trace import Plan, Trace, dense, in_form_of
from bridle.engine.handle import Handle

DECAYS = ("weight_decay", "wd", "decay", "weight_decay_rate")
"""What optimizers call their own decay in a parameter group."""


@final
class Probe:
    """Runs a step under a plan and notes what happens; nothing is undone here.

    Args:
        model: The model.
        optimizer: Its optimizer.
        step: Runs the user's step once, always on the same batch.
        weights: The parameters to look at.
        scalers: The gradient scalers that the step uses.
    """

    recomputes = True

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        step: Callable[[], Any],
        weights: list[Tensor],
        scalers: list[Any],
    ) -> None:
        self.model, self.optimizer, self.weights, self.scalers = model, optimizer, weights, scalers
        self._step = step
        self.held: list[Tensor] = [weight for group in optimizer.param_groups for weight in group["params"]]
        hooks = optimizer._optimizer_step_pre_hooks.values()
        owners = [getattr(hook, "__self__", None) for hook in hooks]
        self.handle = next((owner for owner in owners if isinstance(owner, Handle)), None)
        self.runs = 0

    def run(self, plan: Plan) -> Trace:
        """One run of the step."""
        trace = Trace()
        accumulated = _Accumulated(plan, trace)
        self.runs += 1
        with ExitStack() as stack:
            outputs = Outputs(self.model, plan, trace)
            stack.callback(outputs.remove)
            for weight in self.weights:
                if weight.requires_grad and weight.is_leaf:
                    hook = weight.register_post_accumulate_grad_hook(accumulated)
                    stack.callback(hook.remove)
            self._around_optimizer(stack, plan, trace, accumulated)
            if plan.watch:
                stack.enter_context(LossWeights(trace.data_weights))
            stack.enter_context(backward_passes(trace, self.held) if plan.watch or plan.replay else nullcontext())
            stack.enter_context(unscaling(self.optimizer, plan, trace))
            stack.enter_context(nullcontext() if plan.clips else no_clipping())
            if self.handle is not None and plan.left_out:
                stack.enter_context(self.handle.without(plan.left_out))
            self._settings(plan)
            self._step()
        return trace

    def _settings(self, plan: Plan) -> None:
        for group in self.optimizer.param_groups if plan.no_decay else ():
            group.update({name: group[name] * 0 for name in DECAYS if group.get(name)})
        for scaler in self.scalers if plan.scale != 1.0 else ():
            if scaler._scale is None:
                scaler._init_scale *= plan.scale
            else:
                scaler._scale = scaler._scale * plan.scale

    def _around_optimizer(self, stack: ExitStack, plan: Plan, trace: Trace, accumulated: "_Accumulated") -> None:
        first = self.optimizer.register_step_pre_hook(_hook(lambda: self._handed_over(plan, trace, accumulated)))
        self.optimizer._optimizer_step_pre_hooks.move_to_end(first.id, last=False)  # type: ignore[attr-defined]
        last = self.optimizer.register_step_pre_hook(_hook(lambda: self._stepping(plan, trace)))
        after = self.optimizer.register_step_post_hook(lambda *_: self._stepped(plan, trace))
        for hook in (first, last, after):
            stack.callback(hook.remove)

    @torch.no_grad()
    def _handed_over(self, plan: Plan, trace: Trace, accumulated: "_Accumulated") -> None:
        """The step has called the optimizer: its gradients are as the user's code leaves them."""
        scale = self._fused_scale(trace)
        for weight in self.weights:
            if weight.grad is None:
                continue
            if not trace.current:  # no backward pass: gradients were computed and set by hand
                accumulated.note(weight, weight.grad)
            added = plan.added[weight].at(weight, trace.evaluations) if weight in plan.added else None
            if plan.raw and (raw := trace.raw(weight)) is not None:
                weight.grad = in_form_of(weight.grad, (raw if added is None else raw + added) * scale)
            if plan.stripped and added is not None:
                weight.grad = in_form_of(weight.grad, dense(weight.grad).sub_(added, alpha=scale))
            if plan.watch and not trace.evaluations:
                trace.seen[weight] = _shared(_plain(weight.grad, scale), trace.raw(weight))
        if plan.watch and not plan.silent:
            self._note_weights(trace)

    def _note_weights(self, trace: Trace) -> None:
        if not trace.evaluations:
            trace.before = {weight: weight.detach().clone() for weight in self.weights}
        for weight, last in trace.after.items():
            gap = weight.detach() - last
            trace.drift[weight] = trace.drift[weight] + gap if weight in trace.drift else gap
        trace.after.clear()

    def _fused_scale(self, trace: Trace) -> float:
        """A fused optimizer unscales within its step: what was accumulated is seen as it will be then."""
        scale = getattr(self.optimizer, "grad_scale", None)
        if scale is None:
            return 1.0
        trace.scale = float(scale)
        trace.unscaled = {weight: gradient / scale for weight, gradient in trace.accumulated.items()}
        return trace.scale

    @torch.no_grad()
    def _stepping(self, plan: Plan, trace: Trace) -> None:
        """The last thing before the optimizer's own step."""
        given = getattr(self.optimizer, "grad_scale", None)
        scale = 1.0 if given is None else float(given)
        for weight, strength in plan.pull.items():
            if weight.grad is not None and strength:
                weight.grad = in_form_of(weight.grad, dense(weight.grad).add_(weight, alpha=strength * scale))
        for weight in self.weights if plan.watch and not trace.evaluations else ():
            if weight.grad is not None:
                trace.final[weight] = _shared(_plain(weight.grad, scale), trace.seen.get(weight))
        trace.evaluations += 1
        trace.current.clear()
        trace.versions.clear()

    @torch.no_grad()
    def _stepped(self, plan: Plan, trace: Trace) -> None:
        trace.steps += 1
        if plan.watch and not plan.silent:
            trace.after = {weight: weight.detach().clone() for weight in self.weights}


class _Accumulated:
    """Notes a gradient each time a backward pass adds to it."""

    def __init__(self, plan: Plan, trace: Trace) -> None:
        self._plan, self._trace = plan, trace

    @torch.no_grad()
    def __call__(self, weight: Tensor) -> None:
        if weight.grad is not None:
            self._trace.current[weight] = self._trace.current.get(weight, 0) + 1
            self.note(weight, weight.grad, self._trace.current[weight])
            self._trace.versions[weight] = weight.grad._version

    def note(self, weight: Tensor, gradient: Tensor, count: int = 1) -> None:
        """Note its gradient after pass ``count`` of the present evaluation, less what the plan takes out."""
        plan, trace = self._plan, self._trace
        if weight in plan.removed and count == plan.passes.get(weight, 1):
            removed = plan.removed[weight].at(weight, trace.evaluations)
            if removed is not None:
                gradient = weight.grad = in_form_of(gradient, dense(gradient).sub_(removed))
        if not trace.evaluations:
            trace.passes[weight] = count
        if not (plan.raw or (plan.watch and not trace.evaluations)):
            return
        before = trace.accumulated.get(weight)
        now = dense(gradient)
        if plan.silent:
            changed = bool(now.any()) if before is None else not torch.equal(before, now)
            trace.changes[weight] = trace.changes.get(weight, 0) + changed
        trace.accumulated[weight] = now


def _plain(gradient: Tensor, scale: float) -> Tensor:
    return dense(gradient) if scale == 1.0 else dense(gradient) / scale


def _shared(value: Tensor, known: Tensor | None) -> Tensor:
    """The tensor that is held already where it has the same values: gradients of large models are kept once."""
    return known if known is not None and torch.equal(value, known) else value


def _hook(act: Callable[[], None]) -> Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], Any]:
    """A hook that acts before the optimizer's step, or at the end of the closure that it is given."""

    def complete(closure: Callable[[], Any]) -> Callable[[], Any]:
        def completed() -> Any:
            with torch.enable_grad():
                loss = closure()
            act()
            return loss

        return completed

    def before(_: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("closure") is not None:
            return args, kwargs | {"closure": complete(kwargs["closure"])}
        if len(args) > 1 and args[1] is not None:
            return (args[0], complete(args[1]), *args[2:]), kwargs
        act()
        return None

    return before
