"""Laws of update rules. They change weights in place, so that there is no law on stacking."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from bridle.core import Draws, Update, UpdateRule
from bridle.testing import material
from bridle.testing.law import off, require, require_alike, require_same

_DRAWS = Draws(seed=5, fold=2, step=7)
_RATE = 0.1


class _Trial:
    """One step of gradient descent on ``1/2 sum c w^2``, with a rule around it.

    Args:
        device: Where the weights lie.
        dtype: Their type.
        size: Multiplies weights and gradients.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype = torch.float64, size: float = 1.0) -> None:
        self.weights = [size * weight for weight in material.weights(device, dtype)]
        self.before = [weight.clone() for weight in self.weights]
        self._curves = [material.uniform(f"curve {w.shape}", *w.shape, device=device, dtype=dtype) for w in self.before]
        self.calls = 0
        self._take_gradient()

    def _take_gradient(self) -> None:
        for weight, curve in zip(self.weights, self._curves, strict=True):
            weight.grad = curve * weight.detach()

    def _gradient_at(self) -> None:
        self.calls += 1
        self._take_gradient()

    def _step(self) -> None:
        for weight in self.weights:
            assert weight.grad is not None  # noqa: S101 - set above
            weight.add_(weight.grad, alpha=-_RATE)

    @torch.no_grad()
    def run(self, rule: UpdateRule | None, draws: Draws = _DRAWS, inside: Callable[[], None] | None = None) -> None:
        """The step, with the rule around it.

        Args:
            rule: The rule, or ``None`` for the bare step.
            draws: The draws of the step.
            inside: Called where the rule yields, before the step.
        """
        if rule is None:
            self._step()
            return
        yields = 0
        names = [str(place) for place in range(len(self.weights))]
        update = Update(names, [_RATE] * len(names), draws, self._gradient_at)
        for _ in rule.around(self.weights, update):
            yields += 1
            if inside is not None:
                inside()
            self._step()
        require(yields == 1, f"a rule must yield exactly once, where the optimizer steps; it did {yields} times")


def rule_yields_once(rule: UpdateRule, device: torch.device) -> None:
    """It yields exactly once; it takes the gradient anew, before that, if and only if it says so."""
    trial = _Trial(device)
    at_step: list[int] = []
    trial.run(rule, inside=lambda: at_step.append(trial.calls))
    require((trial.calls > 0) == rule.recomputes, f"it says recomputes = {rule.recomputes}, but calls {trial.calls}")
    require(at_step == [trial.calls], "it takes the gradient anew after the step, when that is no longer needed")


def rule_keeps_the_form(rule: UpdateRule, device: torch.device) -> None:
    """Weights and gradients stay tensors of their shape, type and device, and finite; also where all are zero."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        for size in (1.0, 0.0):
            trial = _Trial(device, dtype, size)
            trial.run(rule)
            for weight, before in zip(trial.weights, trial.before, strict=True):
                require_alike(weight, before, "a weight must stay like itself")
                require(weight.grad is not None, "a gradient is gone")
                require(bool(weight.isfinite().all()), "a weight is not finite")


def rule_does_something(rule: UpdateRule, device: torch.device) -> None:
    """Weights of some size end elsewhere than without it, unless its dials are zero; then at the same bits."""
    moved = False
    nothing = off(rule)
    for size in (1e-3, 1.0, 1e3):
        plain, changed = _Trial(device, size=size), _Trial(device, size=size)
        plain.run(None)
        changed.run(rule)
        moved |= any(not torch.equal(a, b) for a, b in zip(plain.weights, changed.weights, strict=True))
        if nothing is not None:
            idle = _Trial(device, size=size)
            idle.run(nothing)
            for found, expected in zip(idle.weights, plain.weights, strict=True):
                require_same(found, expected, "a rule of size zero must leave the step")
    require(moved or nothing == rule, "the rule changes nothing")


def rule_draws_are_its_own(rule: UpdateRule, device: torch.device) -> None:
    """The same draws give the same step; where it draws at all, seed, fold and step each give another."""

    def weights(draws: Draws) -> Tensor:
        trial = _Trial(device)
        trial.run(rule, draws)
        return torch.cat([weight.flatten() for weight in trial.weights])

    first = weights(_DRAWS)
    require_same(weights(_DRAWS), first, "the same draws must give the same step")
    others = {name: weights(replace(_DRAWS, **{name: getattr(_DRAWS, name) + 1})) for name in ("seed", "fold", "step")}
    same = [name for name, other in others.items() if torch.equal(other, first)]
    require(len(same) in (0, len(others)), f"it draws, but the draws do not depend on the {' and '.join(same)}")


LAWS = (rule_yields_once, rule_keeps_the_form, rule_does_something, rule_draws_are_its_own)
