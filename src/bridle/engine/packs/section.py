"""One training step for some members of a pack, in the order of :mod:`bridle.engine.step`.

Legend of the axes: ``M`` members, ``B`` batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from bridle.core import Averaging, Draws, Noise, TargetRule, Update
from bridle.engine.movement import is_uniform, metric
from bridle.engine.optimizers import learning_rate
from bridle.engine.packs.batches import PackBatch
from bridle.engine.packs.kind import Kind
from bridle.engine.packs.penalties import PackPenalties
from bridle.engine.packs.slot import Slot
from bridle.engine.packs.tasks import tasks
from bridle.population.optimize import MOMENTS, Rate, adamw, sgd
from bridle.population.stack import Stack, Tensors, aligned


@final
class Section:
    """Members that make a step together: which regularizers act on which of them.

    Args:
        slots: The member of each row.
        kind: What they have in common.
    """

    def __init__(self, slots: Sequence[Slot], kind: Kind) -> None:
        self.slots, self._kind, count = list(slots), kind, len(slots)
        optimizer = slots[0].bound.optimizer
        exact = any(part.exact for slot in slots for part in slot.bound.penalties.parts)
        movement = metric(optimizer) if exact else None
        self.penalties = PackPenalties([slot.bound.penalties for slot in slots], movement, is_uniform(optimizer))
        self._noise = tasks(
            ((row, noise.key, noise) for row, slot in enumerate(slots) for noise in slot.recipe.of(Noise)), count
        )
        self._targets = tasks(
            ((row, rule.key, rule) for row, slot in enumerate(slots) for rule in slot.recipe.of(TargetRule)), count
        )
        self._averages = tasks(
            (
                (row, place, averaging)
                for row, slot in enumerate(slots)
                for place, averaging in enumerate(slot.recipe.of(Averaging))
            ),
            count,
        )
        clips = [slot.recipe.training.clip for slot in slots]
        self._clips = torch.tensor(clips) if any(clips) else None
        self._rules = any(slot.bound.updates.rules for slot in slots)

    def step(self, stack: Stack, batch: PackBatch) -> Tensor:
        """Train on one batch and return each member's data loss, ``(M,)``."""
        progress = batch.progress
        losses_M, found = self._gradients(stack, batch)
        with torch.no_grad():
            flat = {name: aligned(slope) for name, slope in found.items()}
            shown = stack.shown_as("weights", flat)
            self._clip(flat)
            rates = self._rates(batch.draws)
            running = self._begin(stack, shown, rates, batch) if self._rules else []
            self.penalties.add_gradients(stack, flat, shown, progress)
            step = sgd if self._kind.optimizer == "sgd" else adamw
            step(stack.flat["weights"], flat, stack.flat, rates)
            moments = {part: stack.shown(part) for part in MOMENTS[self._kind.optimizer]}
            self.penalties.proximal_steps(stack.shown("weights"), shown, moments, rates, progress)
            for rule in reversed(running):
                next(rule, None)
            self._average(stack, progress)
        return losses_M

    def _gradients(self, stack: Stack, batch: PackBatch) -> tuple[Tensor, Tensors]:
        """Each member's data loss, ``(M,)``, and the gradients of the weights as they are stored."""
        targets = batch.targets
        for _, task in self._targets:
            own = task.call(_apply, batch.progress, batch.inputs, task.rows.of(targets))
            targets = targets.clone()
            task.rows.write(targets, own)
        like = next(iter(stack.parts["weights"].values()))
        dials = {task.first.key: task.dials(batch.progress, like) for _, task in self._noise}
        return self._kind.gradients(stack, replace(batch, targets=targets), dials)

    def _rates(self, draws: Sequence[Draws]) -> list[Rate]:
        known: dict[tuple[int, int, int], Rate] = {}
        found = []
        for slot, own in zip(self.slots, draws, strict=True):
            which = (id(slot.recipe.training), own.step, slot.course.steps)
            if which not in known:
                known[which] = _rate(slot, own)
            found.append(known[which])
        return found

    def _clip(self, gradients: Tensors) -> None:
        """Clip each member's flat gradient to its own norm, as ``clip_grad_norm_`` does; 0 does not clip."""
        if self._clips is None:
            return
        squares = [slope.square().sum(1) for slope in gradients.values()]
        norms_M = torch.stack(squares).sum(0).sqrt()
        clips_M = self._clips.to(norms_M)
        factors_M = torch.where(clips_M > 0, (clips_M / (norms_M + 1e-6)).clamp(max=1.0), 1.0)
        for slope in gradients.values():
            slope.mul_(factors_M[:, None])

    def _begin(self, stack: Stack, gradients: Tensors, rates: Sequence[Rate], batch: PackBatch) -> list[Iterator[None]]:
        """Start the update rules, member by member on views of its rows: they change weights and gradients in place."""
        running = []
        weights = stack.shown("weights")
        for row, slot in enumerate(self.slots):
            for rule, scope in slot.bound.updates.parts:
                own = {}
                for name in scope:
                    if name in gradients:
                        own[name] = weights[name][row].detach()
                        own[name].grad = gradients[name][row]
                if own:
                    lengths = [rates[row].learning_rate] * len(own)
                    update = Update(list(own), lengths, batch.draws[row], _refused)
                    around = rule.at(batch.progress[row]).around(list(own.values()), update)
                    next(around)
                    running.append(around)
        return running

    def _average(self, stack: Stack, progress: Sequence[float]) -> None:
        weights = stack.shown("weights") | stack.shown("frozen")
        for place, task in self._averages:
            state = stack.shown(f"average{place}")
            own = {name: task.rows.of(tensor) for name, tensor in state.items()}
            live = {name: task.rows.of(tensor) for name, tensor in weights.items()}
            moved = task.call(_update, progress, next(iter(live.values())), own, live)
            for name, tensor in moved.items():
                task.rows.write(state[name], tensor)

    def averaged(self, stack: Stack) -> Tensors | None:
        """The weights to score, stored as the live ones: averages where a member has them; ``None`` where none has."""
        if not self._averages:
            return None
        live = stack.shown("weights") | stack.shown("frozen")
        chosen = {name: tensor.clone() for name, tensor in live.items()}
        last = {row: len(slot.recipe.of(Averaging)) - 1 for row, slot in enumerate(self.slots)}
        for place, task in self._averages:
            assert all(last[row] == place for row in task.numbers)  # noqa: S101 - one average a recipe, by its kind
            own = {name: task.rows.of(tensor) for name, tensor in stack.shown(f"average{place}").items()}
            for name, tensor in task.first.average(own).items():
                task.rows.write(chosen[name], tensor)
        self.penalties.keep_zeros(chosen, live)
        return chosen


def _rate(slot: Slot, draws: Draws) -> Rate:
    training = slot.recipe.training
    decay = training.weight_decay if training.optimizer == "adamw" else 0.0
    return Rate(learning_rate(training, draws.step, slot.course.steps), decay, training.momentum, draws.step + 1)


def _apply(rule: TargetRule, targets: Tensor) -> Tensor:
    return rule.apply(targets)


def _update(averaging: Averaging, state: Tensors, weights: Tensors) -> Tensors:
    return averaging.update(state, weights)


def _refused() -> None:
    raise AssertionError("A rule that takes the gradient anew trains in turn.")
