"""What is seen of a script's step before it calls its optimizer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor

from bridle.auditing.losses import graph_of
from bridle.auditing.trace import dense


@final
@dataclass(eq=False)
class Noted:
    """The losses that went backward, the penalties in them, clipping and unscaling, since the last step.

    Attributes:
        passes: How many losses went backward.
        roots: The constant factor in front of each.
        data_weights: The gradient at each of torch's loss functions, times the rows that it sums over.
        penalties: By weight, the gradient of the penalties in the losses.
        penalty_passes: By weight, how often a penalty gave it one.
        factors: The factor of each penalty in the loss that it went backward with.
        clipped: By weight, its gradient before clipping and after it.
        scale: The factor of a gradient scaler that was divided out; 1 where there is none.
    """

    passes: int = 0
    roots: list[float] = field(default_factory=list)
    data_weights: list[Tensor] = field(default_factory=list)
    penalties: dict[Tensor, Tensor] = field(default_factory=dict)
    penalty_passes: dict[Tensor, int] = field(default_factory=dict)
    factors: list[float] = field(default_factory=list)
    clipped: dict[Tensor, tuple[Tensor, Tensor]] = field(default_factory=dict)
    scale: float = 1.0
    _hooks: list[Any] = field(default_factory=list)
    _aside: bool = False

    def goes_backward(self, root: float) -> None:
        """A loss is about to go backward, with this constant in front; what was zeroed since the last one is gone."""
        for weight in [weight for weight in self.penalties if weight.grad is None or not dense(weight.grad).any()]:
            del self.penalties[weight], self.penalty_passes[weight]
            if not self.penalties:
                self.passes = 0
                for noted in (self.roots, self.data_weights, self.factors, self.clipped):
                    noted.clear()
        self.passes += 1
        self.roots.append(root)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """A backward pass in here leaves its gradients to its caller: it is no part of the step's."""
        before, self._aside = self._aside, True
        try:
            yield
        finally:
            self._aside = before

    def loss(self, loss: Tensor, rows: int) -> None:
        """Note the weight of a data loss, a mean over so many rows, once it goes backward."""

        def reached(factor: Tensor) -> None:
            if not self._aside:
                self.data_weights.append(factor.detach().sum() * rows)

        self._hooks.append(loss.register_hook(reached))

    def penalty(self, penalty: Tensor, alone: Callable[[], Any]) -> None:
        """Note the gradient of a penalty once it goes backward, with the factor that it has in the loss.

        Not that of weights with hooks of the script's own, which would be called once more.

        Args:
            penalty: A function of weights alone.
            alone: Makes a context in which the calls here are not taken for the script's.
        """
        leaves = [node.variable for node in graph_of([penalty]) if hasattr(node, "variable")]
        leaves = [leaf for leaf in leaves if not leaf._backward_hooks]

        def reached(factor: Tensor) -> None:
            if self._aside or not leaves:
                return
            with self.aside(), alone():
                found = torch.autograd.grad(penalty, leaves, factor, retain_graph=True, allow_unused=True)
            self.factors.append(abs(float(factor)))
            for weight, gradient in zip(leaves, found, strict=True):
                if gradient is not None:
                    before = self.penalties.get(weight)
                    self.penalties[weight] = dense(gradient) if before is None else before + gradient
                    self.penalty_passes[weight] = self.penalty_passes.get(weight, 0) + 1

        self._hooks.append(penalty.register_hook(reached))

    def clip(self, before: dict[Tensor, Tensor], after: dict[Tensor, Tensor]) -> None:
        """Note gradients before and after a clipping function."""
        for weight, gradient in after.items():
            raw = self.clipped[weight][0] if weight in self.clipped else before[weight]
            self.clipped[weight] = raw, gradient

    def unclipped(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Gradients before clipping, where nothing but clipping has changed them since the backward pass."""
        for weight, (raw, clipped) in self.clipped.items():
            if weight.grad is not None and torch.equal(dense(weight.grad), clipped):
                yield weight, raw

    @property
    def unscaled(self) -> bool:
        """Whether a penalty went backward without the scaler's factor, or that of a data loss divided by passes."""
        least = min([self.scale, *map(float, self.data_weights)])
        return any(factor * self.scale**0.5 < least for factor in self.factors)

    def forget(self) -> "Noted":
        """The next step's, empty: what was noted for one is not that of the next."""
        for hook in self._hooks:
            hook.remove()
        return Noted()
