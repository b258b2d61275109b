"""Every strength of a recipe beside what acts in a step of Bridle's own: as declared, and as measured."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from bridle.auditing.fits import dot
from bridle.auditing.probe import Probe
from bridle.auditing.trace import Plan, Trace
from bridle.auditing.undo import Undo
from bridle.core import Penalty
from bridle.core.dials import dials
from bridle.engine.movement import is_uniform, metric
from bridle.engine.penalties import Part
from bridle.engine.step import Step
from bridle.records import Effect

STRENGTHS = ("strength", "l1", "l2", "group")
"""The dials that multiply: with all but one at 0, a penalty is that one's."""
ALIKE = 1e-6
"""Below this, the smallest eigenvalue of the shapes' cosines, two of them cannot be told apart on a weight."""


@final
@dataclass(frozen=True, eq=False)
class _Column:
    """What one strength should add to a weight's gradient, or take from the weight."""

    dial: str
    declared: float
    shape: Tensor


def effects(step: Step, probe: Probe, undo: Undo, progress: float) -> Iterator[Effect]:
    """Every strength of the recipe's penalties and decays on every weight that it touches.

    The step runs twice, without the update rules that are no decay: once with a data loss that gives no gradient, so
    that only penalties are left in it, and once as it is, to see the weights before and after the proximal steps.

    Args:
        step: The step; its optimizer is the probe's.
        probe: Runs it.
        undo: Puts everything back.
        progress: The share of the training that is done before it.
    """
    with _decays_only(step):
        silent = probe.run(Plan(silent=True, clips=False, watch=True))
        undo.restore()
        whole = probe.run(Plan(watch=True))
        ends = {weight: weight.detach().clone() for weight in probe.weights}
        lengths = _lengths(step, ends) if any(part.exact for part in step.penalties.parts) else {}
        undo.restore()
        names = {weight: name for part in step.penalties.parts for name, weight in _named(part)}
        with _at(whole.before, undo):
            smooth = list(_columns([part for part in step.penalties.parts if not part.exact], silent))
        with _at(ends, undo):
            exact = list(_columns([part for part in step.penalties.parts if part.exact], whole))
        yield from _gradients(smooth, silent, names)
        yield from _proximal(exact, whole.after, ends, lengths, names)
        yield from _decays(step, whole.before, progress)


@contextmanager
def _decays_only(step: Step) -> Iterator[None]:
    rules = step.updates.parts
    step.updates.parts = [part for part in rules if part[0].decays]
    try:
        yield
    finally:
        step.updates.parts = rules


@contextmanager
def _at(values: Mapping[Tensor, Tensor], undo: Undo) -> Iterator[None]:
    with torch.no_grad():
        for weight, value in values.items():
            weight.copy_(value)
        try:
            yield
        finally:
            undo.restore()


def _named(part: Part) -> Iterator[tuple[str, Tensor]]:
    yield from zip(part.names, part.weights, strict=True)


def _lengths(step: Step, ends: Mapping[Tensor, Tensor]) -> dict[Tensor, Any]:
    """By weight, how far the step that was just taken moves it per unit of gradient: a number, or one for each."""
    movement, optimizer = metric(step.optimizer), step.optimizer
    return {
        weight: movement(group, optimizer.state.get(weight, {}))
        for group in optimizer.param_groups
        for weight in group["params"]
        if weight in ends and (is_uniform(optimizer) or optimizer.state.get(weight))
    }


def _columns(parts: Sequence[Part], trace: Trace) -> Iterator[tuple[Tensor, _Column]]:
    """The gradient of each strength of the penalties, at the present weights."""
    for part in parts:
        weights = [weight for weight in part.weights if weight in trace.seen]
        if not weights or part.declared.takes_pair:
            continue
        held = [name for name in dials(type(part.penalty)) if name in STRENGTHS]
        for name in held:
            alone: Penalty = part.penalty.bind({other: 0.0 for other in held if other != name})
            declared = float(getattr(part.penalty, name))
            for weight, slope in zip(weights, alone.gradient(part.seen(weights)), strict=True):
                yield weight, _Column(f"{part.declared.key}.{name}", declared, slope)


def _by_weight(columns: Sequence[tuple[Tensor, _Column]]) -> dict[Tensor, list[_Column]]:
    found: dict[Tensor, list[_Column]] = {}
    for weight, column in columns:
        found.setdefault(weight, []).append(column)
    return found


def _gradients(
    columns: Sequence[tuple[Tensor, _Column]], silent: Trace, names: Mapping[Tensor, str]
) -> Iterator[Effect]:
    for weight, held in _by_weight(columns).items():
        yield from _told(held, silent.seen[weight], names[weight], "gradient")


def _proximal(
    columns: Sequence[tuple[Tensor, _Column]],
    after: Mapping[Tensor, Tensor],
    ends: Mapping[Tensor, Tensor],
    lengths: Mapping[Tensor, Any],
    names: Mapping[Tensor, str],
) -> Iterator[Effect]:
    """A proximal step ends where what it took, over its length, is the penalty's gradient: wherever there is one."""
    for weight, held in _by_weight(columns).items():
        if weight not in after or weight not in lengths:
            continue
        kept = ends[weight] != 0
        moved = torch.where(kept, after[weight] - ends[weight], 0.0)
        scaled = [_Column(one.dial, one.declared, torch.where(kept, one.shape * lengths[weight], 0.0)) for one in held]
        yield from _told(scaled, moved, names[weight], "proximal step")


def _told(held: Sequence[_Column], moved: Tensor, name: str, form: str) -> Iterator[Effect]:
    shares, fit = factors(moved, [one.shape for one in held])
    for one, share in zip(held, shares, strict=True):
        yield Effect(one.dial, name, form, one.declared, one.declared * share, fit)


def _decays(step: Step, before: Mapping[Tensor, Tensor], progress: float) -> Iterator[Effect]:
    """The decays of the recipe; several on one weight are told together, each in its declared share."""
    rates = {weight: float(group["lr"]) for group in step.optimizer.param_groups for weight in group["params"]}
    held: dict[Tensor, list[tuple[str, str, float]]] = {}
    for rule, weights in step.updates.parts:
        strength = float(getattr(rule.at(progress), "strength", float("nan")))
        for name, weight in weights.items():
            if weight in before:
                held.setdefault(weight, []).append((f"{rule.key}.strength", name, strength))
    for weight, rules in held.items():
        shape = weight.detach() * (rates[weight] * sum(strength for *_, strength in rules))
        (share,), fit = factors(weight.detach() - before[weight], [shape])
        for dial, name, strength in rules:
            yield Effect(dial, name, "decay", strength, strength * share, fit)


def factors(moved: Tensor, shapes: Sequence[Tensor]) -> tuple[list[float], float]:
    """The factor of each shape that together come nearest to ``moved``, and the share of it that they explain.

    Shapes that cannot be told apart get one factor in common. Of shapes that are zero everywhere the factor is NaN.

    Args:
        moved: What was measured.
        shapes: What was declared, of the same shape.
    """
    sizes = np.array([dot(shape, shape) for shape in shapes]) ** 0.5
    seen = [place for place, size in enumerate(sizes) if 0.0 < size < np.inf]
    found = [float("nan")] * len(shapes)
    total = dot(moved, moved)
    if not seen:
        return found, float("nan")
    gram = np.array([[dot(shapes[one], shapes[other]) for other in seen] for one in seen])
    product = np.array([dot(moved, shapes[place]) for place in seen])
    cosines = gram / np.outer(sizes[seen], sizes[seen])
    alike = np.linalg.eigvalsh(cosines)[0] < ALIKE
    solved = np.full(len(seen), product.sum() / gram.sum()) if alike else np.linalg.solve(gram, product)
    for place, value in zip(seen, solved, strict=True):
        found[place] = float(value)
    return found, float(product @ solved / total) if total > 0.0 else float("nan")
