"""Penalties and decay that move nothing in a whole training."""

from collections.abc import Iterator
from typing import ClassVar, final

from bridle.auditing.checks._base import Check
from bridle.auditing.checks._ledger import repeatable
from bridle.auditing.observed import Observed
from bridle.core import Penalty, Recipe, UpdateRule
from bridle.records import Entry, Finding, Severity

IDLE = 1e-4
"""Share of a weight that penalties and decay move over a whole training, below which they are without effect."""


@final
class IdleStrength(Check):
    """What penalties, proximal steps and decay add to a step, times the steps of the training."""

    name: ClassVar[str] = "idle_strength"
    seen_in: ClassVar[tuple[str, ...]] = ("run",)

    def look(self, observed: Observed) -> Iterator[Finding]:
        """The finding, with the share of the weights that they move at most."""
        run, ledger = observed.run, repeatable(observed)
        keys = _keys(run.recipe) if run is not None else []
        if run is None or ledger is None or not keys:
            return
        moved = max((_moved(entry) * run.steps for entry in ledger.entries if entry.size), default=0.0)
        if moved >= IDLE:
            return
        yield Finding(
            self.name,
            Severity.INFO,
            f"{', '.join(keys)}: in all {run.steps:,} steps they move no parameter by more than {moved:.1g} of its "
            "size, so they regularize nothing. Leave them out, or let the search begin at a larger strength.",
            {"moved": moved, "steps": run.steps},
        )


def _keys(recipe: Recipe) -> list[str]:
    decays = [rule.key for rule in recipe.of(UpdateRule) if rule.decays]
    own = ["training.weight_decay"] if recipe.training.weight_decay else []
    return [*(penalty.key for penalty in recipe.of(Penalty)), *decays, *own]


def _moved(entry: Entry) -> float:
    """The share of a parameter's size that the three move in a step."""
    names = [name for name in ("penalty", "proximal", "decay") if name in entry.parts]
    return sum(entry.parts[name].size for name in names) / entry.size
