"""The strength from which on a penalty with exact zeros leaves no weight in its scope."""

import torch
from torch import Tensor, nn

from bridle.core import Proximal
from bridle.core.draws import generator
from bridle.engine.examples import Batches
from bridle.engine.member import MemberTraining
from bridle.engine.outcomes import kept_weights
from bridle.engine.setting import Setting
from bridle.engine.settle import settle
from bridle.population import Member

STEPS = 1000
"""Full gradients at most that fit what is not in scope."""


def is_linear(member: Member, setting: Setting) -> bool:
    """Whether what the network gives is linear in all its trained weights together, up to a constant."""
    training = MemberTraining(member, setting)
    try:
        return _is_linear(training.model, training.batches)
    finally:
        training.step.terms.remove()


def strength_max(member: Member, setting: Setting, key: str) -> float | None:
    """The smallest value of a penalty's first dial at which all weights in its scope are zero, for a linear network.

    The weights in scope are zero, the others (an intercept) are fitted to the member's training rows without
    augmentation and noise; the rest is the penalty's closed form from the gradient there. For a convex loss that is
    where the solution becomes zero; the objective is that of :mod:`bridle.regularizers.penalties`, the mean data loss
    plus the penalty.

    Args:
        member: Its recipe, nothing free in it, and its fold.
        setting: What it shares with the others.
        key: The penalty's key in the recipe.

    Returns:
        The strength; ``None`` where the penalty makes no exact zeros, or has no closed form.

    Reference: Friedman, Hastie and Tibshirani 2010, "Regularization paths for generalized linear models via coordinate
    descent", section 2.5.
    """
    training = MemberTraining(member, setting)
    penalties, model = training.step.penalties, training.model
    try:
        parts = [part for part in penalties.parts if part.declared.key == key and part.exact]
        scope = [weight for part in parts for weight in part.weights]
        inside = {id(weight) for weight in scope}
        with torch.no_grad():
            for weight in scope:
                weight.zero_()
        rest = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in inside]
        if rest:
            settle(penalties, rest, training.clean_loss, STEPS)
        training.clean_loss(True)
        found = [
            part.proximal.strength_max([weight.grad for weight in part.trained if weight.grad is not None])
            for part in parts
            if isinstance(part.declared, Proximal) and part.trained
        ]
        known = [value for value in found if value is not None]
        return max(known) if known and len(known) == len(found) else None
    finally:
        training.step.terms.remove()


def all_zero(member: Member, setting: Setting, key: str) -> bool:
    """Whether all weights in a penalty's scope are zero in a kept member."""
    training = MemberTraining(member, setting)
    training.step.terms.remove()
    weights = kept_weights(member, setting)
    return not any(bool(weights[name].any()) for name in training.step.penalties.scopes[key])


@torch.no_grad()
def _is_linear(model: nn.Module, batches: Batches) -> bool:
    """Whether outputs at 0, 1 and 2 times random weights lie on a line."""
    batch, _ = next(batches.clean())
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    drawn = [torch.randn(weight.shape, generator=generator("linear", place)) for place, weight in enumerate(weights)]
    model.eval()

    def at(scale: float) -> Tensor:
        for weight, values in zip(weights, drawn, strict=True):
            weight.copy_(scale * values)
        output: Tensor = model(batch.inputs)
        return output

    none, once, twice = at(0.0), at(1.0), at(2.0)
    bend = (twice - 2 * once + none).abs().max()
    return bool(bend <= 1e-4 * (1.0 + twice.abs().max()))
