"""Penalties that act twice on a weight, on top of the optimizer's own decay, or on fewer weights than declared."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from torch import Tensor
from torch.optim import Optimizer

from bridle.engine.penalties import Penalties
from bridle.engine.updates import Updates
from bridle.records import Finding, Severity


def overlaps(penalties: Penalties, updates: Updates, optimizer: Optimizer) -> tuple[Finding, ...]:
    """A warning for what acts more than once on a weight, or not on all that its scope names."""
    pulls = [(penalty.key, weights) for penalty, weights in penalties.by_penalty()]
    decays = [(rule.key, weights) for rule, weights in updates.parts if rule.decays]
    return (*_twice(penalties), *_on_top([*pulls, *decays], optimizer), *_outside(penalties, optimizer))


def warn(findings: Iterable[Finding], otherwise: Callable[[], object]) -> None:
    """Give what was found when a recipe was bound as warnings, of the line that called the public function.

    Args:
        findings: The findings.
        otherwise: Called before a warning that is an error where the user runs: nothing stays bound.
    """
    try:
        for finding in findings:
            warnings.warn(finding.message, stacklevel=3)
    except Warning:
        otherwise()
        raise


def _twice(penalties: Penalties) -> Iterator[Finding]:
    for one, other in combinations(penalties.parts, 2):
        shared = sorted(set(one.names) & set(other.names))
        alike = type(one.declared) is type(other.declared) or {one.declared.name(), other.declared.name()} in _ALIKE
        if shared and alike:
            yield Finding(
                "penalty_twice",
                Severity.WARNING,
                f"{one.declared.key} and {other.declared.key} both act on {some(shared)}: their strengths add up "
                "there. Keep one of them, or give them different scopes.",
                {"weights": shared},
            )


_ALIKE = ({"l1", "elastic_net"}, {"l2", "elastic_net"}, {"l1", "sparse_group_lasso"})
"""Pairs of penalties of which one holds the other."""


def _on_top(pulls: list[tuple[str, dict[str, Tensor]]], optimizer: Optimizer) -> Iterator[Finding]:
    decay = {
        weight: group["weight_decay"]
        for group in optimizer.param_groups
        for weight in group["params"]
        if group.get("weight_decay")
    }
    for key, weights in pulls:
        found = {name: decay[weight] for name, weight in weights.items() if weight in decay}
        if found:
            yield Finding(
                "penalty_and_weight_decay",
                Severity.WARNING,
                f"{key} acts on {some(list(found))}, which {type(optimizer).__name__} decays by itself "
                f"with weight_decay = {next(iter(found.values())):g}. Both take effect. Set weight_decay=0 there "
                "unless that is meant.",
                {"weight_decay": found},
            )


def _outside(penalties: Penalties, optimizer: Optimizer) -> Iterator[Finding]:
    for key, names in penalties.outside.items():
        if names:
            yield Finding(
                "penalty_outside_optimizer",
                Severity.WARNING,
                f"{key} covers {some(names)}, which this {type(optimizer).__name__} does not hold: it does not act "
                "there. Attach a recipe to the optimizer that does, or narrow the scope.",
                {"weights": names},
            )


def some(names: list[str]) -> str:
    """The first name, and how many more."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
