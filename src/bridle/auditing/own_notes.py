"""In sentences: what of a recipe the ledger of a step counts together, or leaves out."""

from collections.abc import Iterator

from bridle.core import Augmentation, Averaging, LossTerm, Noise, Recipe, StopRule, TargetRule, UpdateRule
from bridle.core.kinds import Penalty
from bridle.regularizers.updates import GradientNoise, SpectralStep


def notes(recipe: Recipe, measured: bool = True) -> tuple[str, ...]:
    """What to know of the parts of a recipe that are no penalty and no decay.

    Args:
        recipe: The recipe; nothing free in it.
        measured: Whether there is a ledger; without one there is nothing to note.
    """
    return tuple(_sentences(recipe)) if measured else ()


def _sentences(recipe: Recipe) -> Iterator[str]:
    inside = [item.key for kind in (Augmentation, Noise, TargetRule, LossTerm) for item in recipe.of(kind)]
    if inside:
        yield f"Part of data, through the data loss: {_listed(inside)}."
    for rule in recipe.of(UpdateRule):
        yield from _of_rule(rule)
    pairs = [item.key for item in recipe.of(Penalty) if item.takes_pair]
    if pairs:
        yield f"{_listed(pairs)} ties two weights by a constraint: its movement is told, its strength is not measured."
    if averages := [item.key for item in recipe.of(Averaging)]:
        yield f"{_listed(averages)}: an average follows the weights and moves none; the step starts from that average."
    if rules := [item.key for item in recipe.of(StopRule)]:
        yield f"{_listed(rules)} ends the training and is in no step."
    if recipe.training.closing:
        yield "The closing phase, with full gradients after the last step, is not in this step."


def _of_rule(rule: UpdateRule) -> Iterator[str]:
    if rule.recomputes:
        yield f"{rule.key} takes the data's gradient at other weights: that is the data's part here."
    elif isinstance(rule, GradientNoise):
        yield f"{rule.key} adds random numbers to the gradient: it was left out while the parts were measured."
    elif isinstance(rule, SpectralStep):
        yield f"{rule.key} shortens the step: what it takes back is counted as proximal."
    elif rule.constrains:
        yield f"{rule.key} brings weights back within a bound after the step: that is counted as proximal."
    elif not rule.decays:
        yield f"{rule.key} acts on the step in a way that the ledger does not tell apart."


def _listed(keys: list[str]) -> str:
    return " and ".join(part for part in (", ".join(keys[:-1]), keys[-1]) if part)
