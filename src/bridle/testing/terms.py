"""Laws of loss terms."""

from dataclasses import replace

import torch
from torch import Tensor

from bridle.core import Draws, Forward, LossTerm
from bridle.testing import material
from bridle.testing.law import Unchanged, off, require, require_alike, require_close, require_same
from bridle.testing.members import check_stacked

_DRAWS = Draws(seed=5, fold=2, step=7)


def _total(term: LossTerm, weights: list[Tensor], dtype: torch.dtype = torch.float64) -> Tensor:
    return term.per_example(material.forward(term, weights, dtype), _DRAWS).sum()


def term_is_a_number_per_example(term: LossTerm, device: torch.device) -> None:
    """One finite, non-negative value per example, that keeps type and device; also where all weights are zero."""
    for dtype in (torch.float64, torch.float32):
        generic = material.layers(device, dtype)
        for weights in (generic, [weight * 0 for weight in generic]):
            seen = material.forward(term, weights, dtype)
            values = term.per_example(seen, _DRAWS)
            require_alike(values, seen.output[:, 0], "there must be one value per example, (B,)")
            require(bool(values.isfinite().all()), "a value is not finite")
            require(bool((values >= 0).all()), "a value is negative")


def term_reaches_the_weights(term: LossTerm, device: torch.device) -> None:
    """Its gradient is finite and reaches every weight of the first layer, which lies before all that a term sees."""
    if off(term) == term:
        return
    weights = [weight.requires_grad_() for weight in material.layers(device)]
    slopes = torch.autograd.grad(_total(term, weights), weights, allow_unused=True)
    require(slopes[0] is not None, "no gradient reaches the weights: was it computed from detached tensors?")
    require(all(bool(slope.isfinite().all()) for slope in slopes if slope is not None), "a gradient is not finite")
    missed = int((slopes[0] == 0).sum())
    require(missed == 0, f"the gradient does not reach {missed} of {weights[0].numel()} weights of the first layer")


def term_gradient_is_the_slope(term: LossTerm, device: torch.device) -> None:
    """Along random directions of the weights its gradient is the difference quotient of its value."""
    weights = [weight.requires_grad_() for weight in material.layers(device)]
    slopes = torch.autograd.grad(_total(term, weights), weights, materialize_grads=True, allow_unused=True)
    scale = torch.stack([slope.norm() for slope in slopes]).norm().clamp(min=1e-30)
    weights = [weight.detach() for weight in weights]
    for trial in range(3):
        ways = [material.normal(f"way {trial} {place}", *w.shape, device=device) for place, w in enumerate(weights)]
        ahead = _total(term, [weight + 1e-5 * way for weight, way in zip(weights, ways, strict=True)])
        behind = _total(term, [weight - 1e-5 * way for weight, way in zip(weights, ways, strict=True)])
        found = torch.stack([(slope * way).sum() for slope, way in zip(slopes, ways, strict=True)]).sum()
        quotient = (ahead - behind).detach() / 2e-5
        require_close(found / scale, quotient / scale, "its gradient is not the slope of its value", tolerance=1e-5)


def term_of_zero_strength_is_nothing(term: LossTerm, device: torch.device) -> None:
    """With zero strength all values and gradients are exactly zero."""
    nothing = off(term)
    require(nothing is not None, "no dial can be zero: a term needs one that turns it off")
    if nothing is not None:
        weights = [weight.requires_grad_() for weight in material.layers(device)]
        values = nothing.per_example(material.forward(nothing, weights), _DRAWS)
        require_same(values.detach(), torch.zeros_like(values), "the values at zero strength must be 0")
        if values.requires_grad:
            slopes = torch.autograd.grad(values.sum(), weights, materialize_grads=True, allow_unused=True)
            for slope in slopes:
                require_close(slope, torch.zeros_like(slope), "the gradient at zero strength must be 0", tolerance=0.0)


def term_changes_nothing_in_place(term: LossTerm, device: torch.device) -> None:
    """What it sees stays as it is."""
    seen = material.forward(term, material.layers(device))
    with Unchanged(seen.inputs, seen.output, *seen.activations):
        term.per_example(seen, _DRAWS)


def term_draws_are_its_own(term: LossTerm, device: torch.device) -> None:
    """The same draws give the same values; where it draws at all, seed, fold, step and label each give others."""
    seen = material.forward(term, material.layers(device))

    def values(item: LossTerm, draws: Draws) -> Tensor:
        return item.per_example(seen, draws).detach()

    first = values(term, _DRAWS)
    require_same(values(term, _DRAWS), first, "the same draws must give the same values")
    others = {
        name: values(term, replace(_DRAWS, **{name: getattr(_DRAWS, name) + 1})) for name in ("seed", "fold", "step")
    } | {"label": values(term.bind({"label": "second"}), _DRAWS)}
    same = [name for name, other in others.items() if torch.equal(other, first)]
    require(len(same) in (0, len(others)), f"it draws, but the draws do not depend on the {' and '.join(same)}")


def term_stacks(term: LossTerm, device: torch.device) -> None:
    """The values of members with unlike dials, stacked, are those of each alone."""
    seen: Forward = material.forward(term, material.layers(device))
    check_stacked(lambda item, factor: [item.per_example(seen, _DRAWS) * factor], term, device)


LAWS = (
    term_is_a_number_per_example,
    term_reaches_the_weights,
    term_gradient_is_the_slope,
    term_of_zero_strength_is_nothing,
    term_changes_nothing_in_place,
    term_draws_are_its_own,
    term_stacks,
)
