"""The runs of a step that a ledger is made of: whole, and with parts switched off."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import final

import torch
from torch import Tensor

from bridle.auditing.exchange import SILENT, Exchange
from bridle.auditing.fits import ROUNDINGS, Fit, apart, norm, proportion
from bridle.auditing.probe import DECAYS
from bridle.auditing.repeatable import Repeatable
from bridle.auditing.trace import Plan, Term, Trace
from bridle.auditing.undo import Undo
from bridle.errors import AuditError

NEAR = 0.05
"""Two movements are the same when they differ by less than this share of what is in question."""
LINEAR = 0.99
"""A movement is a decay when this much of it is proportional to the weights."""


@final
@dataclass(eq=False)
class Measurement:
    """A step, run as it is and without each of its parts, undone every time.

    Args:
        probe: Runs the step.
        undo: Puts everything back.
        others: The weights that other optimizers move, each measured by itself.
        processes: How many take the step together; 0 where the runs take the optimizer's step only, or where gradients
            are known to reach it as the backward pass leaves them.

    Attributes:
        whole: What the step shows as it is.
        held: The weights of the optimizer; only their movement is taken apart.
        end: The weights after it.
        own_moves: What the step's own code does to weights around the optimizer's step: a part, the weight, the move.
        noise: By how much a second run differs, as a share of the movement.
        notes: What could not be measured, in sentences.
    """

    probe: Repeatable
    undo: Undo
    others: Collection[Tensor] = ()
    processes: int = 0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Run the step as it is, twice."""
        self.weights, self.others = self.probe.weights, set(self.others)
        groups = self.probe.optimizer.param_groups
        self.held = {weight: None for group in groups for weight in group["params"]}
        self.without_decay = Plan(no_decay=True)
        self.start = self._copies()
        if self.several:  # DistributedDataParallel lays its exchange out anew after one step, and then rounds otherwise
            self.trace(Plan())
        self.whole = self._trace(Plan(watch=True, record="outputs"), keep=True)
        if not self.whole.steps:
            raise AuditError(
                f"The step never called {type(self.probe.optimizer).__name__}.step(), so nothing moved. Give a step "
                "that ends with it (with micro-batches: all of them), on the optimizer that you gave to audit(...). "
                "Under a GradScaler, a scale that overflows skips the step: take some steps before the audit."
            )
        self.own_moves = list(self._own_moves())
        for weights in (self.whole.before, self.whole.after, self.whole.drift):
            weights.clear()
        self._note_others()
        moved = sum(norm(self.end[weight] - self.start[weight]) ** 2 for weight in self.weights) ** 0.5
        again = sum(norm(difference) ** 2 for _, difference in self.differences(Plan())) ** 0.5
        self.noise = again / moved if moved else 0.0

    def _copies(self) -> dict[Tensor, Tensor]:
        return {weight: weight.detach().clone() for weight in self.weights}

    def _trace(self, plan: Plan, keep: bool = False) -> Trace:
        try:
            trace = self.probe.run(plan)
            if keep:
                self.end = self._copies()
        finally:
            self.undo.restore()
        return trace

    def trace(self, plan: Plan, changed: Mapping[Tensor, Tensor] | None = None) -> Trace:
        """What a run shows, from other weights where ``changed`` gives them."""
        with torch.no_grad():
            for weight, value in (changed or {}).items():
                weight.copy_(value)
        return self._trace(plan)

    def differences(self, plan: Plan) -> Iterator[tuple[Tensor, Tensor]]:
        """By weight, where the whole step ends less where this run ends."""
        if plan is self.without_decay:
            yield from self._undecayed.items()
            return
        try:
            self.probe.run(plan)
            for weight in self.weights:
                yield weight, self.end[weight] - weight.detach()
        finally:
            self.undo.restore()

    @cached_property
    def _undecayed(self) -> dict[Tensor, Tensor]:
        """What the optimizer's own decay does; asked for more than once."""
        return {weight: effect for weight, effect in self.differences(Plan(no_decay=True)) if bool(effect.any())}

    @cached_property
    def exchange(self) -> Exchange:
        """What the step does to gradients between the backward pass and the optimizer, clipping aside."""
        start = {weight: value for weight, value in self.start.items() if weight in self.held}
        found = Exchange(self.trace, start, self.whole, self.processes)
        self.notes += found.notes
        return found

    @property
    def silent(self) -> Trace:
        """The step with a data loss that gives no gradient, and without clipping: what is left are penalties."""
        return self.exchange.silent

    @property
    def several(self) -> bool:
        """Whether other processes take part in the step: then each must run it as often, whatever its own rows say."""
        return self.processes > 1

    @cached_property
    def mixed(self) -> set[Tensor]:
        """Weights that the loss uses beside the outputs of modules, so that data and penalty cannot be told apart."""
        if not self.whole.calls:
            self.notes.append(
                "The step calls no module of the model, so that penalties in its loss are not told apart."
            )
            return set(self.weights)
        left = [self.silent.raw(weight) for weight in self.weights]
        if not any(value is not None and bool(value.any()) for value in left):
            return set()
        halved = self.exchange.trace(replace(SILENT, halve=True))
        found = {weight for weight in self.weights if apart(self.silent.raw(weight), halved.raw(weight))}
        if found:
            self.notes.append(
                f"{len(found)} of the weights act on data outside of the model's modules: a penalty on them that is "
                "part of the loss is counted as data."
            )
        return found

    @cached_property
    def in_loss(self) -> dict[Tensor, Tensor]:
        """By weight, the gradient of the penalties in the loss, unscaled and unclipped."""
        found = {weight: self.silent.raw(weight) for weight in self.weights if weight not in self.mixed}
        return {weight: value for weight, value in found.items() if value is not None and bool(value.any())}

    @cached_property
    def by_hand(self) -> dict[Tensor, Tensor]:
        """By weight, what the step adds to the gradient after the backward pass, with clipping off."""
        pairs = {weight: (self.silent.seen.get(weight), self.silent.raw(weight)) for weight in self.weights}
        return {
            weight: seen - raw
            for weight, (seen, raw) in pairs.items()
            if seen is not None and raw is not None and apart(seen, raw)
        }

    @cached_property
    def by_bridle(self) -> dict[Tensor, Tensor]:
        """By weight, the gradient that hooks add right before the optimizer's step."""
        final, seen = self.silent.final, self.silent.seen
        moves = {weight: final[weight] - seen[weight] for weight in self.weights if weight in final and weight in seen}
        return {weight: move for weight, move in moves.items() if bool(move.any())}

    @cached_property
    def declared(self) -> dict[Tensor, float]:
        """By weight, the optimizer's own decay as its groups declare it."""
        return {
            weight: float(next((group[name] for name in DECAYS if group.get(name)), 0.0))
            for group in self.probe.optimizer.param_groups
            for weight in group["params"]
        }

    @cached_property
    def form(self) -> str:
        """How the optimizer's own decay acts: ``"none"``, ``"coupled"``, ``"decoupled"`` or ``"unknown"``."""
        if not any(self.declared.values()):
            return "none"
        effects = dict(self.differences(self.without_decay))
        size = sum(norm(effect) ** 2 for effect in effects.values()) ** 0.5
        if size == 0.0:
            return "unknown"
        pulls = {weight: strength for weight, strength in self.declared.items() if weight in self.start}
        apart = sum(norm(gap) ** 2 for _, gap in self.differences(Plan(no_decay=True, pull=pulls))) ** 0.5
        if apart <= NEAR * size:
            return "coupled"
        largest = max(effects, key=lambda weight: norm(effects[weight]))
        return "decoupled" if proportion(effects[largest], self.start[largest])[1] > LINEAR else "unknown"

    @cached_property
    def clipped(self) -> dict[Tensor, float]:
        """By weight, the factor by which the step changes the gradient between backward pass and optimizer."""
        found, by_hand = {}, self.by_hand
        for weight in self.weights:
            seen, raw = self.whole.seen.get(weight), self.whole.raw(weight)
            if seen is None or raw is None:
                continue
            added = by_hand.get(weight)
            own = seen if added is None else seen - added
            if apart(own, raw):
                found[weight] = proportion(own, raw)[0]
        return found

    def plans(self, fits: Mapping[str, Mapping[Tensor, Fit]]) -> Iterator[tuple[str, Plan]]:
        """The parts that are at work, each with the step without it.

        Args:
            fits: By source, the penalty that a weight's gradient is of: it is taken out of later evaluations, too.
        """
        outside = self._terms({weight: self.silent.accumulated.get(weight) for weight in self.mixed}, {})
        removed = self._terms({weight: self.silent.accumulated.get(weight) for weight in self.in_loss}, fits["loss"])
        added = self._terms(self.by_hand, fits["by hand"])
        self._note_later((*outside.values(), *removed.values(), *added.values()))
        yield "data", Plan(silent=True, removed=outside, passes=self.whole.passes)
        handle = self.probe.handle is not None
        own = self.form == "coupled"
        if self.in_loss or added or self.by_bridle:
            plan = Plan(
                removed=removed,
                passes=self.whole.passes,
                added=added,
                stripped=bool(added),
                left_out="penalty" if handle else "",
                no_decay=own,
            )
            yield "penalty", plan
        elif own:
            yield "penalty", self.without_decay
        if handle:
            yield "decay", Plan(no_decay=not own, left_out="decay")
            yield "proximal", Plan(left_out="proximal")
        elif self.form in ("decoupled", "unknown"):
            yield "decay", self.without_decay
        if self.clipped:
            yield "clipping", Plan(clips=False) if self.exchange.acts else Plan(raw=True, added=added)

    def _terms(self, values: Mapping[Tensor, Tensor | None], fits: Mapping[Tensor, Fit]) -> dict[Tensor, Term]:
        alike = self.whole.scale == 1.0 and not self.exchange.acts  # fits are in the units of the optimizer
        known = {weight: fit for weight, fit in fits.items() if fit.known and alike}
        return {weight: Term(value, known.get(weight)) for weight, value in values.items() if value is not None}

    def _note_later(self, terms: Sequence[Term]) -> None:
        unknown = sum(term.fit is None for term in terms)
        if self.whole.evaluations > 1 and unknown:
            self.notes.append(
                f"The step evaluates the gradient {self.whole.evaluations} times. On {unknown} of the weights the loss "
                "has a part outside of the model's modules that is neither L2 nor L1: it is told apart in the first "
                "evaluation only, and counted as data in the others."
            )

    def _note_others(self) -> None:
        if self.whole.steps > 1:
            self.notes.append(
                f"The step called {type(self.probe.optimizer).__name__}.step() {self.whole.steps} times: movements are "
                "those of all of them, gradients and strengths those of the first."
            )
        others = [weight for weight in self.weights if weight not in self.held and weight not in self.others]
        moved = sum(not torch.equal(self.end[weight], self.start[weight]) for weight in others)
        if moved:
            self.notes.append(
                f"{moved} of the weights move though {type(self.probe.optimizer).__name__} does not hold them, by the "
                "step's own code or another optimizer. To take apart what each optimizer does, give all in a list."
            )

    def _own_moves(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        whole = self.whole
        for weight in self.held:
            if weight not in self.start:
                continue
            before, after = whole.before[weight], whole.after[weight]
            moves = [(before - self.start[weight], self.start[weight], True), (self.end[weight] - after, after, True)]
            moves += [(whole.drift[weight], self.start[weight], False)] if weight in whole.drift else []
            for move, base, exact in moves:
                if bool(move.any()):
                    yield ("decay" if _is_decay(move, base, exact) else "proximal"), weight, move


def _is_decay(move: Tensor, base: Tensor, exact: bool) -> bool:
    """Whether a move takes a share of the weights: the same of each but for rounding, where their base is exact.

    A bound on norms nearly does so.
    """
    slope, fit = proportion(move, base)
    rounding = ROUNDINGS * torch.finfo(move.dtype).eps
    return slope < 0 and 1.0 - fit < (max(rounding, (rounding / slope) ** 2) if exact else 1.0 - LINEAR)
