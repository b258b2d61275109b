"""The ledger of a training step: what moved each parameter, measured."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from statistics import fmean

from torch import Tensor, nn

from bridle.auditing.dependence import used, without_gradient
from bridle.auditing.exchange import SILENT
from bridle.auditing.fits import norm
from bridle.auditing.measure import Measurement
from bridle.auditing.movements import Movements
from bridle.auditing.repeatable import Repeatable
from bridle.auditing.strengths import UNKNOWN, Strengths
from bridle.auditing.undo import Undo
from bridle.core.scope import kind_of
from bridle.engine.unwrapped import unwrapped
from bridle.records import Entry, Ledger

WHOLE = 1e-6
"""Shares of less than this are rounding."""


def named(model: nn.Module) -> dict[str, tuple[str, nn.Parameter]]:
    """Each floating-point parameter once, frozen ones too, by its first name: what it is, and itself."""
    found: dict[str, tuple[str, nn.Parameter]] = {}
    seen: set[int] = set()
    for prefix, module in unwrapped(model).named_modules():
        for name, weight in module.named_parameters(recurse=False):
            if id(weight) not in seen and weight.is_floating_point():
                seen.add(id(weight))
                found[f"{prefix}.{name}" if prefix else name] = (kind_of(module, name, weight), weight)
    return found


def measure(
    model: nn.Module, probe: Repeatable, undo: Undo, others: Collection[Tensor] = (), processes: int = 0
) -> Ledger:
    """Measure a training step.

    Args:
        model: The model.
        probe: Runs the step on its parameters.
        undo: Puts everything back after each run.
        others: The weights that other optimizers move, each measured by itself.
        processes: How many take the step together; see :class:`Measurement`.

    Raises:
        AuditError: If the step takes no optimizer step.
    """
    found = Measurement(probe, undo, others, processes)
    if found.noise:
        found.notes.append(
            f"Two runs of the same step differ by {found.noise:.1%} of the movement, so that no number here is more "
            "exact than that. Let the step see the same batch each time (take it as an argument, with loader=...)."
        )
    weight = data_weight(found)
    strengths, uses = Strengths(found, weight), used(found)
    movements = Movements(found, strengths.fits)
    share, silent_weights = without_gradient(found)
    names: dict[Tensor, str] = {held: name for name, (_, held) in named(model).items()}
    entries = tuple(
        _entry(name, kind, held, found, movements, strengths, uses[held]) for name, (kind, held) in named(model).items()
    )
    found.notes.extend(_on_unknown(entries))
    return Ledger(
        entries=entries,
        optimizer=type(probe.optimizer).__name__,
        form=found.form,
        noise=found.noise,
        evaluations=found.whole.evaluations,
        passes=max((found.whole.passes.get(held, 0) for held in found.held), default=0),
        penalty_passes=max(
            (found.silent.changes.get(held, 0) for held in found.in_loss if held in found.held), default=0
        ),
        root=fmean(found.whole.roots) / found.whole.scale if found.whole.roots else math.nan,
        data_weight=weight,
        processes=max(processes, 1),
        replicas=found.exchange.factor,
        scale=found.whole.scale,
        scaled=_scaled(found),
        clipped_scaled=found.whole.clipped_scaled,
        without_gradient=share,
        without_gradient_weights=tuple(names[held] for held in silent_weights),
        steps=probe.runs,
        notes=tuple(found.notes),
    )


def joined(ledgers: Sequence[Ledger]) -> Ledger:
    """One ledger of several optimizers' own: each parameter as the one that holds it has it.

    What holds for a whole step (passes, factors in front of the loss) is left open where they differ.
    """
    first = ledgers[0]
    if len(ledgers) == 1:
        return first
    entries = tuple(
        next((entry for entry in entries if entry.held), entries[0])
        for entries in zip(*(ledger.entries for ledger in ledgers), strict=True)
    )
    forms = {ledger.form for ledger in ledgers}
    lost = [ledger.without_gradient for ledger in ledgers if not math.isnan(ledger.without_gradient)]
    return Ledger(
        entries=entries,
        optimizer=" and ".join(dict.fromkeys(ledger.optimizer for ledger in ledgers)),
        form=forms.pop() if len(forms) == 1 else "several",
        noise=max(ledger.noise for ledger in ledgers),
        passes=max(ledger.passes for ledger in ledgers),
        penalty_passes=max(ledger.penalty_passes for ledger in ledgers),
        root=_common([ledger.root for ledger in ledgers]),
        data_weight=_common([ledger.data_weight for ledger in ledgers]),
        processes=first.processes,
        replicas=_common([ledger.replicas for ledger in ledgers]),
        scale=first.scale,
        scaled=max(ledger.scaled for ledger in ledgers),
        clipped_scaled=any(ledger.clipped_scaled for ledger in ledgers),
        without_gradient=max(lost, default=math.nan),
        without_gradient_weights=tuple(dict.fromkeys(name for one in ledgers for name in one.without_gradient_weights)),
        evaluations=max(ledger.evaluations for ledger in ledgers),
        steps=sum(ledger.steps for ledger in ledgers),
        notes=tuple(dict.fromkeys(note for ledger in ledgers for note in ledger.notes)),
    )


def _common(numbers: Sequence[float]) -> float:
    return numbers[0] if all(math.isclose(number, numbers[0]) for number in numbers) else math.nan


def _on_unknown(entries: Sequence[Entry]) -> list[str]:
    unknown = [entry for entry in entries if entry.penalty == UNKNOWN]
    if not unknown:
        return []
    first, more = unknown[0], f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
    best = max((fit for fit in (first.fit, first.l1_fit) if fit > 0), default=0.0)
    return [
        f"The penalty on {first.name}{more} is neither L2 nor L1 (the nearest explains {best:.0%} of its gradient), so "
        "its strength is unknown; its share of the movement is measured like any other."
    ]


def data_weight(found: Measurement) -> float:
    """The factor in front of the mean data loss of all processes; NaN unless each pass had one of torch's losses."""
    weights = found.whole.data_weights
    if not weights or len(weights) != len(found.whole.losses):
        return math.nan
    total = found.exchange.factor * sum(float(weight) for weight in weights) / found.whole.scale
    return round(total, 6) if math.isfinite(total) else math.nan


def _scaled(found: Measurement) -> float:
    """Whether the penalty in the loss depends on the scaler's factor: it was not scaled with the data loss."""
    if found.whole.scale == 1.0 or not found.in_loss or not found.probe.scalers:
        return float(found.whole.unscaled_penalty)
    half = found.exchange.trace(replace(SILENT, scale=0.5))
    before = sum(norm(value) for value in found.in_loss.values())
    after = sum(norm(half.raw(weight)) for weight in found.in_loss)
    return min(max(after / before - 1.0, 0.0), 1.0) if before else 0.0


def _entry(
    name: str,
    kind: str,
    weight: nn.Parameter,
    found: Measurement,
    movements: Movements,
    strengths: Strengths,
    use: bool | None,
) -> Entry:
    group = next((one for one in found.probe.optimizer.param_groups if _holds(one["params"], weight)), None)
    rate = float(group["lr"]) if group else 0.0
    strength, data = strengths.of(weight), _data_gradient(found, weight)
    decay, fit = movements.decays.get(weight, (math.nan, math.nan))
    if math.isnan(decay) and found.form == "decoupled" and weight in found.whole.passes:
        decay, fit = found.declared.get(weight, 0.0) * rate or math.nan, math.nan
    return Entry(
        name=name,
        kind=kind,
        shape=tuple(weight.shape),
        trained=weight.requires_grad,
        held=group is not None,
        used=use,
        size=norm(weight),
        movement=movements.size(weight),
        zeros=float((weight == 0).double().mean()) if weight.numel() else 0.0,
        rate=rate,
        data_gradient=norm(data),
        penalty_gradient=strength.gradient,
        parts=movements.parts.get(weight, {}),
        penalty=strength.penalty,
        reach=strength.reach,
        strength=strength.total,
        fit=strength.fit,
        l1_strength=strength.l1,
        l1_fit=strength.l1_fit,
        decay=decay / rate if rate else math.nan,
        decay_fit=fit,
        sources=strength.sources,
        l1_sources=strength.l1_sources,
        declared=found.declared.get(weight, 0.0),
        clip=found.clipped.get(weight, 1.0),
        idle_rows=_idle_rows(movements.pulled.get(weight), data),
    )


def _holds(weights: list[Tensor], weight: Tensor) -> bool:
    return any(held is weight for held in weights)


def _data_gradient(found: Measurement, weight: Tensor) -> Tensor | None:
    raw, penalty = found.whole.raw(weight), found.in_loss.get(weight)
    return raw if raw is None or penalty is None else raw - penalty


def _idle_rows(pulled: Tensor | None, data: Tensor | None) -> int:
    if pulled is None:
        return 0
    return int(pulled.sum() if data is None else (pulled & ~data.flatten(1).ne(0).any(dim=1)).sum())
