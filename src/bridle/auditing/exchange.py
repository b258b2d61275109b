"""What a step does to gradients between the backward pass and the optimizer, torch's clipping functions aside."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from bridle.auditing.fits import ROUNDINGS, apart, dot, norm
from bridle.auditing.trace import Plan, Term, Trace

SILENT = Plan(silent=True, clips=False, watch=True)
"""The data loss gives no gradient, and nothing is clipped: penalties are left."""
SEED = 0.01
"""The share of the weights that is planted as a gradient: little, so that no bound on gradients is reached."""
ALIKE = 0.01
"""A factor this near to 1 is none, and a common one may leave so much of each weight's gradient unexplained."""


@final
class Exchange:
    """What becomes of the gradients that a backward pass leaves, until the optimizer is handed them.

    In several processes they are exchanged; in one a step may divide them, say by the number of its micro-batches. It
    is measured by gradients that are known: of none at all, what arrives is what the step adds by hand; of a small
    share of the weights, which is the same in each process, what arrives is that times a factor. No process asks
    another: where each runs the step as often, each comes to the same, for only what arrives is looked at.

    Args:
        run: Runs the step from given weights, and undoes it.
        start: The weights of the optimizer.
        whole: The step as it is. Its gradients before clipping are set to what arrives of them.
        processes: How many take the step together; with 0 nothing is asked.

    Attributes:
        silent: The step under ``SILENT``, with its gradients as they arrive.
        acts: Whether other gradients arrive than those that the backward pass leaves in this process.
        factor: What becomes of a gradient that is the same in each process: 1 for a mean over processes, their number
            for a sum.
        notes: What could not be measured, in sentences.
    """

    def __init__(
        self,
        run: Callable[[Plan, Mapping[Tensor, Tensor]], Trace],
        start: Mapping[Tensor, Tensor],
        whole: Trace,
        processes: int,
    ) -> None:
        self._run, self._start = run, start
        self.silent = run(SILENT, {})
        self.acts, self.factor, self.notes = processes > 1, 1.0, list[str]()
        if self.acts or (processes == 1 and self._changed(whole)):
            factor, alike = self._planted()
            self.acts = self.acts or (alike and abs(factor - 1.0) > ALIKE)
        if self.acts:
            self.factor = factor
            self._by_hand = self._added(self.silent, {})
            self._set(self.silent)
            self._set(whole, run(Plan(clips=False, watch=True), {}))
            if not alike:
                self.notes.append(
                    "Between the backward pass and the optimizer not all gradients are multiplied alike: strengths are "
                    f"measured by the mean factor, {factor:.3g}."
                )

    def trace(self, plan: Plan, changed: Mapping[Tensor, Tensor] | None = None) -> Trace:
        """What a run without clipping shows, with its gradients as they arrive.

        Args:
            plan: What it does differently.
            changed: The weights that it starts from, where they are others.
        """
        trace = self._run(plan, changed or {})
        if self.acts:
            self._set(trace, added=self._added(trace, changed) if changed else None)
        return trace

    def _changed(self, whole: Trace) -> bool:
        return any(apart(whole.seen.get(weight), whole.raw(weight)) for weight in self._start)

    def _planted(self) -> tuple[float, bool]:
        """The factor on a known gradient, and whether it is the same for all of it; 1 where none could be planted."""
        silent = self.silent
        held = silent.accumulated.keys() & silent.seen.keys()
        seeds = {weight: SEED * start for weight, start in self._start.items() if weight in held}
        planted = {weight: Term(-silent.scale * seed) for weight, seed in seeds.items()}
        arrived = self._run(replace(SILENT, removed=planted, passes=silent.passes), {}).seen
        moves = {weight: arrived[weight] - silent.seen[weight] for weight in seeds if weight in arrived}
        pairs = [(move, seeds[weight] * move.ne(0)) for weight, move in moves.items()]  # sparse: only rows it has
        product, square = sum(dot(move, seed) for move, seed in pairs), sum(dot(seed, seed) for _, seed in pairs)
        if not product:
            return 1.0, True
        factor = product / square
        rough = {move.dtype: max(ALIKE, ROUNDINGS * torch.finfo(move.dtype).eps) for move, _ in pairs}
        alike = all(norm(move - factor * seed) <= rough[move.dtype] * norm(move) for move, seed in pairs)
        return round(factor, 4), alike

    def _added(self, trace: Trace, changed: Mapping[Tensor, Tensor]) -> dict[Tensor, Tensor]:
        """What arrives where the backward pass leaves nothing: the step added it."""
        if not any(bool(trace.seen[weight].any()) for weight in self._start if weight in trace.seen):
            return {}
        removed = {weight: Term(gradient) for weight, gradient in trace.accumulated.items()}
        left = self._run(replace(SILENT, removed=removed, passes=trace.passes), changed)
        return {weight: gradient for weight, gradient in left.seen.items() if bool(gradient.any())}

    def _set(self, trace: Trace, unclipped: Trace | None = None, added: Mapping[Tensor, Tensor] | None = None) -> None:
        """Set the gradients of ``trace`` to what arrives of them, and note whether they were clipped while scaled."""
        by_hand = self._by_hand if added is None else added
        arrived = unclipped or trace
        trace.exchanged = {
            weight: seen - by_hand[weight] if weight in by_hand else seen for weight, seen in arrived.seen.items()
        }
        trace.clipped_scaled = any(
            apart(gradient, arrived.unscaled.get(weight)) for weight, gradient in trace.unscaled.items()
        )
