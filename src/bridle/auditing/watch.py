"""Watches torch while a training runs: which losses, dropout and sums are called, and on what."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import get_ident
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.module import (
    _global_forward_hooks_with_kwargs,
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.optim.swa_utils import AveragedModel
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from bridle.auditing.evaluations import Evaluations
from bridle.auditing.losses import LOSSES as MEAN_LOSSES
from bridle.auditing.losses import within_backward
from bridle.auditing.rows import digests, inputs_of
from bridle.auditing.witnessed import DropoutCall, Forward, LossCall, Sum, TrainingCall, Witnessed

WEIGHTS, DATA, GUESS = 1, 2, 4
"""Where a number comes from: from weights outside the model, from the model's output, from its largest score."""

LOSSES = ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits")
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
ATTENTION = "scaled_dot_product_attention"
ADDITIONS = ("add", "__add__", "__radd__", "__iadd__", "add_")
LARGEST = ("argmax", "max", "topk")
COPIES = ("clone", "cpu", "numpy")
COMPARED = 3
"""Validations whose rows are kept."""
KEPT = 16
"""Calls of a kind that are kept: enough to judge, few enough to hold no more than some batches."""


class Watch(TorchFunctionMode):
    """Fills a record with what torch is asked to do, and changes none of it.

    Args:
        witnessed: The record.
        before_training: Called each time before a model is called for training.
        evaluations: Notes evaluations one by one, if given.
        loss_computed: Called in training with what each loss of torch gave, and the rows it sums over, 1 for a mean.
        penalty_added: Called with each function of the weights that is added to a loss, both with a gradient, and
            with each that goes backward by itself.
    """

    def __init__(
        self,
        witnessed: Witnessed,
        before_training: Callable[[], None] = lambda: None,
        evaluations: Evaluations | None = None,
        loss_computed: Callable[[Any, int], None] = lambda *_: None,
        penalty_added: Callable[[Tensor], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.witnessed = witnessed
        self.evaluation = False
        self.trained: list[nn.Module] = []
        self.paused = False
        self._before_training = before_training
        self._evaluations = evaluations
        self._loss_computed, self._penalty_added = loss_computed, penalty_added
        self._switched: set[nn.Module] = set()
        self._stack: list[nn.Module] = []
        self._origins: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._thread = get_ident()

    def __enter__(self) -> Self:
        self._hooks = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, with_kwargs=True, always_call=True),
        ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
            _global_forward_hooks_with_kwargs.pop(hook.id, None)  # torch forgets this one, and warns of it later

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call ``func`` and note what it was."""
        given, name = kwargs or {}, getattr(func, "__name__", "")
        if name == "backward" and not self.paused and self._origin(args[:1]) == WEIGHTS and args[0].numel() == 1:
            self._penalty_added(args[0])
        result = func(*args, **given)
        if self.paused or within_backward():
            return result
        if name in LOSSES:
            self._loss(name, args, given)
        if func in MEAN_LOSSES:
            with suppress(RuntimeError, TypeError):  # as for calls of models
                self._measure(args, given, result)
        elif name in DROPOUTS or name == ATTENTION:
            self._dropout(name, args, given)
        if not self._stack and not (name == "__get__" and getattr(func.__self__, "__name__", "") == "grad"):  # type: ignore[attr-defined]
            self._follow(name, (*args, *given.values()), result)
        return result

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if self.paused or get_ident() != self._thread or within_backward():
            return
        if not self._stack and next(module.parameters(), None) is not None:
            self._outermost(module, args[0] if args else None)
        self._stack.append(module)

    def _outermost(self, module: nn.Module, inputs: Any) -> None:
        """Tell training from evaluation by how the model is called from outside."""
        # A model that is always in evaluation mode may be trained so: to be fine-tuned with frozen statistics.
        training = torch.is_grad_enabled() and (module.training or module not in self._switched)
        if training and any(weight.requires_grad for weight in module.parameters()):
            self._before_training()
            if self._evaluations is not None:
                self._evaluations.trains()
            if module not in self.trained:
                self.trained.append(module)
            if module.training:
                self._switched.add(module)
            self.evaluation = False
        elif module in self.trained:
            self._evaluated(module, inputs)
            if not self.evaluation:
                self.witnessed.validations.append([])
            self.evaluation = True
            if module.training:
                self._forgotten(module)
        elif not torch.is_grad_enabled() and not module.training:
            self._evaluated(module, inputs)
            self.evaluation = self.evaluation or not self.trained  # a teacher may be called within a training step

    def _evaluated(self, module: nn.Module, inputs: Any) -> None:
        norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
        if self._evaluations is not None and not any(part.training and part.momentum is None for part in norms):
            self._evaluations.begins(module, inputs)
        if isinstance(module, AveragedModel) and not any(module is known for known in self.witnessed.averaged):
            self.witnessed.averaged.append(module)

    def _forgotten(self, module: nn.Module) -> None:
        norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
        if any(part.momentum is None for part in norms):
            return  # the statistics are being recomputed, as averaged weights need it
        noisy = [part for part in module.modules() if isinstance(part, _DropoutNd) and part.training and part.p > 0]
        updating = [part for part in norms if part.training]
        self.witnessed.training_calls.append(TrainingCall(type(module).__name__, len(noisy), len(updating)))

    def _leave(self, module: nn.Module, args: tuple[Any, ...], *given: Any) -> None:
        if self.paused or get_ident() != self._thread or within_backward():
            return
        if self._stack:
            self._stack.pop()
        if self._stack or len(given) < 2:  # without keywords where forward() raised
            return
        kwargs, output = given
        if next(module.parameters(), None) is None:
            origin = self._origin((*args, *kwargs.values()))
        else:
            origin = DATA
            with suppress(RuntimeError, TypeError):  # tensors without numbers, as when a model is exported or mapped
                self._called(module, args, kwargs)
        for tensor in tensors(output):
            self._origins[tensor] = origin

    def _called(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        known, evaluating = module in self.trained, self._evaluations is not None and self._evaluations.is_open
        inputs = inputs_of(args or kwargs)
        inputs = inputs if inputs is not None and inputs.layout == torch.strided else None
        wide = inputs is not None and inputs.is_floating_point() and inputs.ndim > 1
        if evaluating or (known and self.evaluation):
            found = digests(inputs) if inputs is not None else []
            if self._evaluations is not None:
                self._evaluations.rows(found)
            if known and self.evaluation and wide and len(self.witnessed.validations) <= COMPARED:
                self.witnessed.validations[-1].extend(found)
        elif known and not any(map(is_functorch_wrapped_tensor, tensors((args, kwargs)))):
            if not any(forward.model is module for forward in self.witnessed.forwards):
                self.witnessed.forwards.append(Forward(module, args, kwargs))
            if self._evaluations is not None and inputs is not None and wide:
                self._evaluations.trained(inputs)

    def _loss(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if sum(call.evaluation == self.evaluation for call in self.witnessed.losses) >= KEPT:
            return
        scores = args[0] if args else kwargs["input"]
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if isinstance(scores, Tensor) and not any(map(is_functorch_wrapped_tensor, tensors((scores, target)))):
            call = LossCall(
                function=name,
                scores=scores.detach(),
                target=target.detach() if isinstance(target, Tensor) else None,
                made_by=type(scores.grad_fn).__name__ if scores.grad_fn is not None else "",
                label_smoothing=float(kwargs.get("label_smoothing", 0.0)),
                evaluation=self.evaluation,
            )
            self.witnessed.losses.append(call)

    def _measure(self, args: tuple[Any, ...], kwargs: dict[str, Any], loss: Any) -> None:
        scores = args[0] if args else kwargs.get("input")
        if not isinstance(scores, Tensor) or not isinstance(loss, Tensor):
            return
        rows = len(scores) if scores.ndim else 1
        summed = rows if kwargs.get("reduction") == "sum" else 1
        if loss.requires_grad:
            self._loss_computed(loss, summed)
        elif self._evaluations is not None and self._evaluations.is_open:
            self._evaluations.loss(loss.float().mean().item() / summed, rows)

    def _dropout(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self._stack or self._stack[0].training:
            return
        if name == ATTENTION:
            rate, acting = kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0), True
        else:
            rate = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            usual = not name.endswith("alpha_dropout")
            acting = kwargs.get("training", args[2] if len(args) > 2 else usual)
        if acting and rate > 0:
            owner = self._stack[-1]
            call = DropoutCall(name, float(rate), type(owner).__name__, isinstance(owner, _DropoutNd))
            self.witnessed.dropouts.add(call)

    def _follow(self, name: str, given: tuple[Any, ...], result: Any) -> None:
        """Carry the origins of numbers from what was given to what came out, and note where two meet."""
        origin = self._origin(given)
        if not origin:
            return
        if name in ADDITIONS:
            self._addition(given)
        if name in LARGEST and origin & DATA and isinstance(result, tuple | Tensor):
            indices = result[1] if isinstance(result, tuple) else result
            self._origins[indices] = origin | GUESS
            return
        if name in ("eq", "__eq__") and origin & GUESS:
            self._guessed(result)
        if name in COPIES and origin == WEIGHTS and self._evaluations is not None:
            self._evaluations.keeps()
        for tensor in tensors(result):
            self._origins[tensor] = origin

    def _guessed(self, right: Tensor) -> None:
        if self._evaluations is not None and self._evaluations.is_open:
            self._evaluations.right(right.float().mean().item(), right.numel())
        if not self.evaluation and len(self.witnessed.accuracies) < KEPT:
            self.witnessed.accuracies.append(right.float().mean().item())

    def _addition(self, given: tuple[Any, ...]) -> None:
        terms = {self._origin((term,)): term for term in given[:2] if isinstance(term, Tensor) and term.numel() == 1}
        loss = next((term for origin, term in terms.items() if origin & DATA), None)
        if WEIGHTS not in terms or loss is None:
            return
        penalty = terms[WEIGHTS]
        if penalty.requires_grad and loss.requires_grad:
            self._penalty_added(penalty)
        if not (self.evaluation or loss.requires_grad):
            return  # a number to print
        if sum(known.evaluation == self.evaluation for known in self.witnessed.sums) < KEPT:
            found = Sum(self.evaluation, penalty.requires_grad, penalty.item(), loss.item())
            self.witnessed.sums.append(found)

    def _origin(self, values: tuple[Any, ...]) -> int:
        origin = 0
        for tensor in tensors(values):
            origin |= WEIGHTS if isinstance(tensor, nn.Parameter) else self._origins.get(tensor, 0)
        return origin


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in nested sequences and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)
