"""One instrumented run of a training step."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad
from torch.optim import Optimizer

from bridle.auditing.losses import LossWeights, first_loss, root_factor
from bridle.auditing.outputs import Outputs
from bridle.auditing.trace import Plan, Trace, dense
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
        hooks = optimizer._optimizer_step_pre_hooks.values()
        owners = [getattr(hook, "__self__", None) for hook in hooks]
        self.handle = next((owner for owner in owners if isinstance(owner, Handle)), None)
        self.runs = 0

    def run(self, plan: Plan) -> Trace:
        """One run of the step."""
        trace = Trace()
        self.runs += 1
        with ExitStack() as stack:
            outputs = Outputs(self.model, plan, trace)
            stack.callback(outputs.remove)
            for weight in self.weights:
                if weight.requires_grad and weight.is_leaf:
                    hook = weight.register_post_accumulate_grad_hook(_Accumulated(plan, trace))
                    stack.callback(hook.remove)
            self._around_optimizer(stack, plan, trace)
            if plan.watch:
                stack.enter_context(LossWeights(trace.data_weights))
            stack.enter_context(_backward_passes(trace) if plan.watch or plan.replay else nullcontext())
            stack.enter_context(_unscaling(self.optimizer, plan, trace))
            stack.enter_context(nullcontext() if plan.clips else _no_clipping())
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

    def _around_optimizer(self, stack: ExitStack, plan: Plan, trace: Trace) -> None:
        first = self.optimizer.register_step_pre_hook(_hook(lambda: self._handed_over(plan, trace)))
        self.optimizer._optimizer_step_pre_hooks.move_to_end(first.id, last=False)  # type: ignore[attr-defined]
        last = self.optimizer.register_step_pre_hook(_hook(lambda: self._stepping(plan, trace)))
        after = self.optimizer.register_step_post_hook(lambda *_: self._stepped(plan, trace))
        for hook in (first, last, after):
            stack.callback(hook.remove)

    @torch.no_grad()
    def _handed_over(self, plan: Plan, trace: Trace) -> None:
        """The step has called the optimizer: its gradients are as the user's code leaves them."""
        if trace.steps:
            return
        self._note_fused_scale(trace)
        for weight in self.weights:
            if weight.grad is not None:
                if plan.raw and not weight.grad.is_sparse and (raw := trace.raw(weight)) is not None:
                    weight.grad = raw.clone()
                    if weight in plan.added:
                        weight.grad.add_(plan.added[weight])
                if plan.stripped and weight in plan.added:
                    weight.grad = dense(weight.grad).sub_(plan.added[weight])
                if plan.watch:
                    trace.seen[weight] = _shared(self._plain(weight.grad), trace.raw(weight))
            if plan.watch and not plan.silent:
                trace.before[weight] = weight.detach().clone()

    def _note_fused_scale(self, trace: Trace) -> None:
        """A fused optimizer unscales within its step: what was accumulated is seen as it will be then."""
        scale = getattr(self.optimizer, "grad_scale", None)
        if scale is not None:
            trace.scale = float(scale)
            trace.unscaled = {weight: gradient / scale for weight, gradient in trace.accumulated.items()}

    @torch.no_grad()
    def _stepping(self, plan: Plan, trace: Trace) -> None:
        """The last thing before the optimizer's own step."""
        if trace.steps:
            return
        scale = getattr(self.optimizer, "grad_scale", None)
        for weight, strength in plan.pull.items():
            if weight.grad is not None and strength:
                weight.grad = dense(weight.grad).add_(weight * (1.0 if scale is None else scale), alpha=strength)
        for weight in self.weights if plan.watch else ():
            if weight.grad is not None:
                trace.final[weight] = _shared(self._plain(weight.grad), trace.seen.get(weight))

    @torch.no_grad()
    def _stepped(self, plan: Plan, trace: Trace) -> None:
        trace.steps += 1
        if trace.steps == 1:
            for weight in self.weights if plan.watch and not plan.silent else ():
                trace.after[weight] = weight.detach().clone()

    def _plain(self, gradient: Tensor) -> Tensor:
        scale = getattr(self.optimizer, "grad_scale", None)
        return dense(gradient) if scale is None else dense(gradient) / scale


class _Accumulated:
    """Notes a gradient each time a backward pass adds to it."""

    def __init__(self, plan: Plan, trace: Trace) -> None:
        self._plan, self._trace = plan, trace

    @torch.no_grad()
    def __call__(self, weight: Tensor) -> None:
        plan, trace = self._plan, self._trace
        if trace.steps or weight.grad is None:
            return
        trace.passes[weight] = trace.passes.get(weight, 0) + 1
        if weight in plan.removed and trace.passes[weight] == plan.passes.get(weight):
            weight.grad = dense(weight.grad).sub_(plan.removed[weight])
        if not (plan.watch or plan.raw):
            return
        before = trace.accumulated.get(weight)
        now = dense(weight.grad)
        if plan.silent:
            changed = bool(now.any()) if before is None else not torch.equal(before, now)
            trace.changes[weight] = trace.changes.get(weight, 0) + changed
        trace.accumulated[weight] = now


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


@contextmanager
def _replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    old = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, old)


@contextmanager
def _no_clipping() -> Iterator[None]:
    """Clipping functions of torch's change nothing; the norm that they give is as it was."""
    with ExitStack() as stack:
        if hasattr(clip_grad, "_clip_grads_with_norm_"):
            stack.enter_context(_replaced(clip_grad, "_clip_grads_with_norm_", lambda *_, **__: None))
        for holder in (clip_grad, nn.utils):
            stack.enter_context(_replaced(holder, "clip_grad_value_", lambda *_, **__: None))
        yield


@contextmanager
def _backward_passes(trace: Trace) -> Iterator[None]:
    backward = torch.autograd.backward

    def noted(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        loss = first_loss(tensors)
        if loss is not None and not trace.steps:
            trace.losses.append(float(loss.detach().double().sum()))
            trace.roots.append(root_factor(loss))
        return backward(tensors, *args, **kwargs)

    with _replaced(torch.autograd, "backward", noted):
        yield


@contextmanager
def _unscaling(optimizer: Optimizer, plan: Plan, trace: Trace) -> Iterator[None]:
    """Notes the gradients again once a scaler has divided its factor out of them."""
    kind = torch.amp.GradScaler
    unscale = kind._unscale_grads_

    def noted(scaler: Any, which: Optimizer, inverse: Tensor, *args: Any, **kwargs: Any) -> Any:
        mine = which is optimizer and not trace.steps
        if mine and plan.watch:
            trace.clipped_scaled = _differ(trace.accumulated)
        found: Mapping[Any, Any] = unscale(scaler, which, inverse, *args, **kwargs)
        if mine:
            trace.scale = 1.0 / float(inverse)
            for weight in trace.accumulated:
                if weight.grad is not None:
                    trace.unscaled[weight] = dense(weight.grad)
        return found

    with _replaced(kind, "_unscale_grads_", noted):
        yield


def _differ(gradients: Mapping[Tensor, Tensor]) -> bool:
    return any(
        weight.grad is not None and not torch.equal(dense(weight.grad), gradient)
        for weight, gradient in gradients.items()
    )
