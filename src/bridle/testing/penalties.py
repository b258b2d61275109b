"""Laws of penalties, and of those with a proximal step."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bridle.core import Penalty, Proximal, dials
from bridle.testing import material
from bridle.testing.law import Unchanged, off, require, require_alike, require_close, require_same
from bridle.testing.members import check_stacked


def _weights(penalty: Penalty, device: torch.device, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Generic weights of the shapes that the penalty takes; of a pair some columns are far outside of a constraint."""
    if not penalty.takes_pair:
        return material.weights(device, dtype)
    first, second = material.weights(device, dtype, material.PAIR)
    return [first, second * torch.logspace(0, 3, second.shape[1], dtype=dtype, device=device)]


def value_is_a_finite_number(penalty: Penalty, device: torch.device) -> None:
    """The value is a scalar, finite and not negative, from generic and from zero weights, and keeps type and device."""
    for dtype in (torch.float64, torch.float32):
        generic = _weights(penalty, device, dtype)
        for weights in (generic, [weight * 0 for weight in generic]):
            value = penalty.value(weights)
            require_alike(value, weights[0].new_zeros(()), "the value must be a scalar like the weights")
            require(
                bool(value.isfinite()) and bool(value >= 0), f"the value must be finite and not negative; got {value}"
            )


def gradient_is_that_of_the_value(penalty: Penalty, device: torch.device) -> None:
    """The gradient is what automatic differentiation of the value gives."""
    weights = [weight.requires_grad_() for weight in _weights(penalty, device)]
    value = penalty.value(weights)
    require(value.requires_grad, "the value does not depend on the weights: was it computed from detached ones?")
    expected = list(torch.autograd.grad(value, weights, allow_unused=True))
    if penalty.takes_pair and expected[1] is None:
        expected[1] = torch.zeros_like(weights[1])
    for place, (found, wanted) in enumerate(zip(penalty.gradient(weights), expected, strict=True)):
        require(wanted is not None, f"the value does not depend on weight {place}")
        require_close(found.detach(), wanted, f"the gradient of weight {place} is not that of the value")


def gradient_is_the_slope(penalty: Penalty, device: torch.device) -> None:
    """Along random directions the gradient gives the difference quotient of the value."""
    weights = _weights(penalty, device)
    slopes = penalty.gradient(weights)
    scale = sum((slope.square().sum() for slope in slopes), start=torch.zeros((), device=device)).sqrt()
    for trial in range(4):
        ways = [material.normal(f"way {trial} {place}", *w.shape, device=device) for place, w in enumerate(weights)]
        ahead = penalty.value([weight + 1e-5 * way for weight, way in zip(weights, ways, strict=True)])
        behind = penalty.value([weight - 1e-5 * way for weight, way in zip(weights, ways, strict=True)])
        found = torch.stack([(slope * way).sum() for slope, way in zip(slopes, ways, strict=True)]).sum()
        unit = scale.clamp(min=1e-30)
        quotient = (ahead - behind) / 2e-5
        require_close(found / unit, quotient / unit, "the gradient is not the slope of the value", tolerance=1e-5)


def gradient_reaches_every_weight(penalty: Penalty, device: torch.device) -> None:
    """At generic weights of some size no entry of the gradient is zero, and each is like its weight.

    Weights of several sizes are tried, since a concave penalty leaves large ones alone. Of a pair the value is one of
    the first alone.
    """
    for dtype in (torch.float64, torch.float32):
        weights = _weights(penalty, device, dtype)
        reached = [torch.zeros_like(weight, dtype=torch.bool) for weight in weights]
        for factor in (1.0, 1e-2, 1e-4, 1e-6):
            for place, slope in enumerate(penalty.gradient([factor * weight for weight in weights])):
                require_alike(slope, weights[place], f"the gradient of weight {place} must be like it")
                require(bool(slope.isfinite().all()), f"the gradient of weight {place} is not finite")
                reached[place] |= slope != 0
        for place, weight in enumerate(weights[:1] if penalty.takes_pair else weights):
            missed = int((~reached[place]).sum())
            require(missed == 0, f"the gradient does not reach {missed} of {weight.numel()} entries of weight {place}")


def adding_the_gradient_adds_it(penalty: Penalty, device: torch.device) -> None:
    """``add_gradient`` adds what ``gradient`` gives, and leaves the weights."""
    weights = _weights(penalty, device)
    gradients = [material.normal(f"so far {place}", *w.shape, device=device) for place, w in enumerate(weights)]
    expected = [so_far + more for so_far, more in zip(gradients, penalty.gradient(weights), strict=True)]
    with Unchanged(*weights):
        penalty.add_gradient(weights, gradients)
    for found, wanted in zip(gradients, expected, strict=True):
        require_close(found, wanted, "add_gradient adds something other than the gradient")


def zero_strength_does_nothing(penalty: Penalty, device: torch.device) -> None:
    """With zero strength value and gradient are exactly zero."""
    weights = _weights(penalty, device)
    nothing = off(penalty)
    require(nothing is not None, "no dial can be zero: a penalty needs one that turns it off")
    if nothing is not None:
        require_same(nothing.value(weights), weights[0].new_zeros(()), "the value at zero strength must be 0")
        for slope in nothing.gradient(weights):
            require_close(slope, torch.zeros_like(slope), "the gradient at zero strength must be 0", tolerance=0.0)


def penalty_leaves_its_inputs(penalty: Penalty, device: torch.device) -> None:
    """Value and gradient change no weight in place."""
    weights = _weights(penalty, device)
    with Unchanged(*weights):
        penalty.value(weights)
        penalty.gradient(weights)


def penalty_stacks(penalty: Penalty, device: torch.device) -> None:
    """Value and gradient of members with unlike strengths, stacked, are those of each alone."""

    def call(item: Penalty, factor: Tensor) -> list[Tensor]:
        weights = [weight * factor for weight in _weights(penalty, device)]
        return [item.value(weights), *item.gradient(weights)]

    check_stacked(call, penalty, device)


def _steps(penalty: Proximal, device: torch.device) -> list[list[Tensor | float]]:
    """The steps to try: those that the penalty takes."""
    trials = material.steps(device, material.PAIR if penalty.takes_pair else material.SHAPES)
    return [steps for steps in trials if not (penalty.one_step and isinstance(steps[0], Tensor))]


def prox_is_finite(penalty: Proximal, device: torch.device) -> None:
    """The proximal step is finite, also from zero weights, and like the weights."""
    for dtype in (torch.float64, torch.float32):
        generic = _weights(penalty, device, dtype)
        for weights in (generic, [weight * 0 for weight in generic]):
            for steps in _steps(penalty, device):
                steps = [step.to(dtype) if isinstance(step, Tensor) else step for step in steps]
                for found, weight in zip(penalty.prox(weights, steps), weights, strict=True):
                    require_alike(found, weight, "the proximal step must be like the weights")
                    require(bool(found.isfinite().all()), "the proximal step is not finite (from zero weights?)")


def prox_at_zero_strength_is_the_identity(penalty: Proximal, device: torch.device) -> None:
    """With zero strength the proximal step leaves the weights exactly; outside of a constraint it projects them."""
    weights = _weights(penalty, device)
    nothing = off(penalty)
    if nothing is not None:
        allowed = penalty.inside(weights)
        # On the edge of a constraint a last bit may go.
        require_as = require_same if all(map(torch.equal, allowed, weights)) else require_close
        for steps in _steps(penalty, device):
            for found, weight in zip(nothing.prox(allowed, steps), allowed, strict=True):
                require_as(found, weight, "the proximal step at zero strength must be the identity")
            _require_best(nothing, weights, steps)


def prox_is_inside(penalty: Proximal, device: torch.device) -> None:
    """What the proximal step gives is inside the penalty's constraint, where it has one."""
    for weights in (_weights(penalty, device), [100 * weight for weight in _weights(penalty, device)]):
        for steps in _steps(penalty, device):
            found = penalty.prox(weights, steps)
            for result, cut in zip(found, penalty.inside(found), strict=True):
                require_close(result, cut, "the proximal step leaves the penalty's constraint", tolerance=1e-12)


def prox_is_the_best(penalty: Proximal, device: torch.device) -> None:
    """No neighbour inside the constraint has a lower ``value(x) + sum (x - w)^2 / (2 step)`` than the proximal step."""
    for steps in _steps(penalty, device):
        _require_best(penalty, _weights(penalty, device), steps)


def _require_best(penalty: Proximal, weights: list[Tensor], steps: Sequence[Tensor | float]) -> None:
    best = penalty.prox(weights, steps)
    lowest = _objective(penalty, best, weights, steps)
    for other in _neighbours(best, weights):
        height = _objective(penalty, penalty.inside(other), weights, steps)
        lower = bool(height < lowest - 1e-13 * (1 + lowest.abs()))
        require(not lower, f"a neighbour of the proximal step is better: {height:.12g} < {lowest:.12g}")


def _objective(
    penalty: Proximal, at: Sequence[Tensor], weights: Sequence[Tensor], steps: Sequence[Tensor | float]
) -> Tensor:
    parts = [((x - w).square() / (2 * step)).sum() for x, w, step in zip(at, weights, steps, strict=True)]
    return penalty.value(at) + torch.stack(parts).sum()


def _neighbours(best: Sequence[Tensor], weights: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Points near ``best``: in random directions, towards the weights and zero, beyond both, with entries erased."""
    pairs = list(zip(best, weights, strict=True))
    for size in (1e-6, 1e-4, 1e-2, 1e-1):
        for trial in range(6):
            drawn = [material.normal(f"near {trial} {w.shape}", *w.shape, device=w.device) for w in best]
            chosen = [material.uniform(f"few {trial} {w.shape}", *w.shape, device=w.device) < 0.1 for w in best]
            yield [x + size * way for x, way in zip(best, drawn, strict=True)]
            yield [x + size * way * some for x, way, some in zip(best, drawn, chosen, strict=True)]
            yield [x * ~some for x, some in zip(best, chosen, strict=True)]
        for way in (size, -size):
            yield [x + way * (w - x) for x, w in pairs]
            yield [x * (1 + way) for x in best]
            yield [x + way * w.sign() for x, w in pairs]


def shrinking_in_place_is_the_proximal_step(penalty: Proximal, device: torch.device) -> None:
    """``shrink`` leaves in the weights what ``prox`` gives."""
    for steps in _steps(penalty, device):
        weights = _weights(penalty, device)
        expected = penalty.prox(weights, steps)
        penalty.shrink(weights, steps)
        for found, wanted in zip(weights, expected, strict=True):
            require_close(found, wanted, "shrink leaves something other than the proximal step", tolerance=1e-14)


def prox_leaves_its_inputs(penalty: Proximal, device: torch.device) -> None:
    """The proximal step changes neither weights nor steps in place."""
    weights = _weights(penalty, device)
    for steps in _steps(penalty, device):
        with Unchanged(*weights, *(step for step in steps if isinstance(step, Tensor))):
            penalty.prox(weights, steps)


def prox_stacks(penalty: Proximal, device: torch.device) -> None:
    """The proximal steps of members with unlike strengths, stacked, are those of each alone."""
    weights = _weights(penalty, device)
    for steps in _steps(penalty, device):

        def call(item: Proximal, factor: Tensor, at: Sequence[Tensor | float] = steps) -> list[Tensor]:
            return item.prox([weight * factor for weight in weights], at)

        check_stacked(call, penalty, device)


def strength_max_is_where_weights_begin(penalty: Proximal, device: torch.device) -> None:
    """From zero weights a step down the gradient ends at zero from ``strength_max`` on, and not below it."""
    slopes = _weights(penalty, device)
    largest = penalty.strength_max(slopes)
    if largest is None:
        return
    dial, step = next(iter(dials(type(penalty)))), 0.5
    for share, nothing_left in ((1 + 1e-9, True), (1 - 1e-6, False)):
        bound = penalty.bind({dial: share * largest})
        ended = bound.prox([-step * slope for slope in slopes], [step] * len(slopes))
        empty = not any(bool(weight.abs().max() > 1e-12) for weight in ended)
        require(
            empty is nothing_left,
            f"strength_max is {largest:g}, and at {share:g} of it {'some' if nothing_left else 'no'} weight is left",
        )


LAWS = (
    value_is_a_finite_number,
    gradient_is_that_of_the_value,
    gradient_is_the_slope,
    gradient_reaches_every_weight,
    adding_the_gradient_adds_it,
    zero_strength_does_nothing,
    penalty_leaves_its_inputs,
    penalty_stacks,
)
PROXIMAL = (
    prox_is_finite,
    prox_at_zero_strength_is_the_identity,
    prox_is_inside,
    prox_is_the_best,
    shrinking_in_place_is_the_proximal_step,
    prox_leaves_its_inputs,
    prox_stacks,
    strength_max_is_where_weights_begin,
)
