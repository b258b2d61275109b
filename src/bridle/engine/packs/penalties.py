"""The penalties of many members: each task's gradient or proximal step in one call.

Legend of the axes: ``M`` members.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast, final

import torch
from torch import Tensor

from bridle.core import Penalty, Proximal
from bridle.engine.movement import Movement
from bridle.engine.packs.tasks import Task, tasks
from bridle.engine.penalties import Part, Penalties
from bridle.population.optimize import BETAS, EPS, Rate, runs
from bridle.population.stack import Stack, Tensors


@final
class PackPenalties:
    """The penalties of the rows of a pack.

    Args:
        bound: For each row its recipe's penalties, bound to a network of its kind.
        movement: How far the optimizer moves a weight per unit of constant gradient.
        uniform: Whether that is one number for all weights.
    """

    def __init__(self, bound: Sequence[Penalties], movement: Movement | None, uniform: bool) -> None:
        self._movement, self._uniform, self._count = movement, uniform, len(bound)
        self._smooth = self._tasks(bound, exact=False)
        self._exact = self._tasks(bound, exact=True)

    def _tasks(self, bound: Sequence[Penalties], *, exact: bool) -> list[tuple[tuple[str, ...], Task[Penalty]]]:
        found = tasks(
            (
                (row, (part.declared.key, tuple(part.names)), part.declared)
                for row, penalties in enumerate(bound)
                for part in penalties.parts
                if part.exact is exact
            ),
            self._count,
        )
        return [(cast(tuple[str, tuple[str, ...]], key)[1], task) for key, task in found]

    def add_gradients(self, stack: Stack, flat: Tensors, gradients: Tensors, progress: Sequence[float]) -> None:
        """Add each smooth penalty's gradient, in place; weights without a gradient are left alone.

        Args:
            stack: The members.
            flat: The gradients, flat and aligned.
            gradients: The same, views in the layout of the model.
            progress: Each member's share of its training that is done.
        """
        weights = stack.shown("weights")
        for names, task in self._smooth:
            seen = _trained(task, names, gradients)
            if seen and task.first.separable:
                for rows, penalty in task.runs(progress):
                    penalty.add_gradient([stack.flat["weights"][n][rows] for n in seen], [flat[n][rows] for n in seen])
            elif seen:
                own = [task.rows.of(weights[name]) for name in seen]
                slopes = task.call(_gradient, progress, own[0], own)
                for name, slope in zip(seen, slopes, strict=True):
                    task.rows.add(gradients[name], slope)

    def proximal_steps(
        self,
        weights: Tensors,
        gradients: Tensors,
        state: Mapping[str, Tensors],
        rates: Sequence[Rate],
        progress: Sequence[float],
    ) -> None:
        """Take each proximal penalty's step in the optimizer's metric, in place."""
        for names, task in self._exact:
            seen = _trained(task, names, gradients)
            if seen:
                own = [task.rows.of(weights[name]) for name in seen]
                steps = [task.rows.of(self._steps(name, state, rates, own[0])) for name in seen]
                for name, value in zip(seen, task.call(_prox, progress, own[0], own, steps), strict=True):
                    task.rows.write(weights[name], value)

    def _steps(self, name: str, state: Mapping[str, Tensors], rates: Sequence[Rate], like: Tensor) -> Tensor:
        """Each member's movement: a number, or one for each weight."""
        assert self._movement is not None  # noqa: S101 - there is one where a penalty asks for it
        found: list[Any] = []
        for start, end, rate in runs(rates):
            group = {"lr": rate.learning_rate, "momentum": rate.momentum, "betas": BETAS, "eps": EPS}
            group |= {"nesterov": False, "dampening": 0.0, "amsgrad": False}
            own: dict[str, Any] = {part: tensors[name][start:end] for part, tensors in state.items() if name in tensors}
            moved: Any = self._movement(group, own | {"step": rate.step})
            found.append(torch.full((end - start,), moved).to(like) if self._uniform else moved)
        return torch.cat(found)

    @torch.no_grad()
    def values(self, weights: Tensors, progress: Sequence[float]) -> Tensor:
        """``(M,)`` the sum of each member's penalties."""
        like = next(iter(weights.values()))
        total = torch.zeros(self._count, dtype=torch.float64)
        for names, task in (*self._smooth, *self._exact):
            own = [task.rows.of(weights[name]) for name in names]
            task.rows.add(total, task.call(_value, progress, like, own).double().cpu())
        return total

    def keep_zeros(self, averaged: Tensors, live: Tensors) -> None:
        """Give averaged weights the exact zeros of the live ones, in place, where a proximal penalty acts."""
        for names, task in self._exact:
            for name in names:
                own = task.rows.of(live[name])
                task.rows.write(averaged[name], torch.where(own == 0, own, task.rows.of(averaged[name])))


def _trained(task: Task[Penalty], names: Sequence[str], gradients: Tensors) -> list[str]:
    found = [name for name in names if name in gradients]
    return [] if task.first.takes_pair and len(found) < 2 else found


def _gradient(penalty: Penalty, weights: list[Tensor]) -> list[Tensor]:
    return penalty.gradient(weights)


def _prox(penalty: Penalty, weights: list[Tensor], steps: list[Tensor | float]) -> list[Tensor]:
    return cast(Proximal, penalty).prox(weights, steps)


def _value(penalty: Penalty, weights: list[Tensor]) -> Tensor:
    return penalty.value(weights)


def can_stack(part: Part) -> bool:
    """Whether a part's penalty can act on many members at once: one that remembers a starting point cannot."""
    return not part.start
