"""The first step of each optimizer of a running script, measured while it is about to be taken."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from bridle.auditing.ledger import measure, named
from bridle.auditing.losses import first_loss, root_factor
from bridle.auditing.noted import Noted
from bridle.auditing.patches import replaced
from bridle.auditing.replay import Replay
from bridle.auditing.trace import dense
from bridle.auditing.undo import Undo
from bridle.records import Ledger

ATTEMPTS = 3
"""Steps of an optimizer that are tried: during a warm-up the first ones may move nothing."""
CLIPS = ("clip_grad_norm_", "clip_grad_value_")


class FirstSteps:
    """Measures what moves each parameter in an optimizer's first step, as far as that shows without the loss.

    Args:
        models: Gives the models that are trained.
        alone: Makes a context in which the audit's own calls are not taken for the script's.
    """

    def __init__(self, models: Callable[[], list[nn.Module]], alone: Callable[[], Any]) -> None:
        self._models, self._alone = models, alone
        self._ledgers: dict[Optimizer, dict[nn.Module, Ledger]] = {}
        self._tries: dict[Optimizer, int] = {}
        self._noted = Noted()
        self._measuring = False

    def ledger(self, optimizer: Optimizer, model: nn.Module) -> Ledger | None:
        """What moved the parameters of ``model``, None where the step could not be taken again."""
        return self._ledgers.get(optimizer, {}).get(model)

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice the steps that are taken in here, and what comes before them."""
        with ExitStack() as stack:
            stack.callback(register_optimizer_step_pre_hook(self._before).remove)
            for name in CLIPS:
                clip = self._noticed_clip(getattr(clip_grad, name))
                for holder in (clip_grad, nn.utils):
                    stack.enter_context(replaced(holder, name, clip))
            backward = self._noticed_backward(torch.autograd.backward)
            stack.enter_context(replaced(torch.autograd, "backward", backward))
            autograd: Any = torch.autograd
            run = self._noticed_run(autograd._engine_run_backward)  # what backward() and grad() both call
            stack.enter_context(replaced(autograd, "_engine_run_backward", run))
            scaler = torch.amp.GradScaler
            unscale = self._noticed_unscale(scaler._unscale_grads_)
            stack.enter_context(replaced(scaler, "_unscale_grads_", unscale))
            yield

    def loss_computed(self, loss: Any, rows: int) -> None:
        """Note the weight of a mean data loss once it goes backward.

        Args:
            loss: What a loss of torch gave.
            rows: How many examples it sums over; 1 where it is their mean.
        """
        if self._looking and isinstance(loss, Tensor) and loss.requires_grad and not loss.is_leaf:
            self._noted.loss(loss, rows)

    def penalty_added(self, penalty: Tensor) -> None:
        """Note the gradient of a function of the weights that was added to a loss, once it goes backward."""
        if self._looking:
            self._noted.penalty(penalty, self._alone)

    def _noticed_backward(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            with self._alone():
                self._noted.goes_backward(root_factor(first_loss(tensors)))
            return backward(tensors, *args, **kwargs)

        return noticed

    def _noticed_run(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(*args: Any, **kwargs: Any) -> Any:
            with nullcontext() if kwargs.get("accumulate_grad", True) else self._noted.aside():
                return run(*args, **kwargs)

        return noticed

    def _noticed_unscale(self, unscale: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(scaler: Any, optimizer: Optimizer, inverse: Tensor, *args: Any, **kwargs: Any) -> Any:
            self._noted.scale = 1.0 / float(inverse)
            return unscale(scaler, optimizer, inverse, *args, **kwargs)

        return noticed

    def _noticed_clip(self, clip: Callable[..., Any]) -> Callable[..., Any]:
        def noticed(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            held = [parameters] if isinstance(parameters, Tensor) else list(parameters)
            before = _gradients(held) if self._looking else {}
            norm = clip(held, *args, **kwargs)
            self._noted.clip(before, _gradients(before))
            return norm

        return noticed

    @property
    def _looking(self) -> bool:
        """Whether an optimizer is yet to be measured, as far as is known."""
        return all(tries < ATTEMPTS and optimizer not in self._ledgers for optimizer, tries in self._tries.items())

    def _before(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._measuring or optimizer in self._ledgers or self._tries.get(optimizer, 0) >= ATTEMPTS:
            self._forget()
            return None
        if kwargs.get("closure") is not None:
            return args, kwargs | {"closure": self._completed(optimizer, kwargs["closure"])}
        if len(args) > 1 and args[1] is not None:
            return (args[0], self._completed(optimizer, args[1]), *args[2:]), kwargs
        self._measure(optimizer)
        return None

    def _completed(self, optimizer: Optimizer, closure: Callable[[], Any]) -> Callable[[], Any]:
        def completed() -> Any:
            with torch.enable_grad():
                loss = closure()
            if optimizer not in self._ledgers and self._tries.get(optimizer, 0) < ATTEMPTS:
                self._measure(optimizer)
            return loss

        return completed

    def _measure(self, optimizer: Optimizer) -> None:
        self._tries[optimizer] = self._tries.get(optimizer, 0) + 1
        ledgers: dict[nn.Module, Ledger] = {}
        self._measuring = True
        try:
            # A fused optimizer under a gradient scaler unscales within its step: its gradients are not yet what counts.
            if getattr(optimizer, "grad_scale", None) is None:
                held = {weight for group in optimizer.param_groups for weight in group["params"]}
                for model in self._models():
                    if held & set(model.parameters()):
                        ledgers[model] = self._one(model, optimizer)
        except Exception:  # an optimizer that needs its closure again, weights in shards, too little memory
            ledgers = {}
        finally:
            self._measuring = False
            self._forget()
        if any(entry.movement for ledger in ledgers.values() for entry in ledger.entries):
            self._ledgers[optimizer] = ledgers

    def _one(self, model: nn.Module, optimizer: Optimizer) -> Ledger:
        weights: list[Tensor] = [weight for _, weight in named(model).values()]
        with self._alone(), Undo(optimizer=optimizer) as undo:
            return measure(model, Replay(optimizer, weights, self._noted), undo)

    def _forget(self) -> None:
        self._noted = self._noted.forget()


def _gradients(weights: Iterable[Tensor]) -> dict[Tensor, Tensor]:
    """Copies of the gradients there are."""
    return {weight: dense(weight.grad) for weight in weights if weight.grad is not None}
