"""The network of :class:`~bridle.models.skip_mlp.SkipMLP` in flat buffers: full-batch steps with few native calls.

Axes: B rows, F columns of the inputs that are still computed, R = H + C hidden units and then outputs, G features.
"""

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from bridle.models.skip_mlp import SkipMLP
from bridle.records import Task

TINY = 1e-30
ROUNDS = 30


@final
class SkipNetwork:
    """A :class:`SkipMLP` with gradients written by hand, Nesterov's momentum and the hierarchical lasso's exact step.

    First layer and skip are one matrix ``(R, F)``: one product forward, one for its gradient. Columns of features that
    the penalty left out are zero, and cease to be computed.

    Args:
        model: The network whose weights it takes over; nothing of it changes.
        inputs: Prepared training inputs ``(B, F)``.
        targets: ``(B, C)`` rows of classes, or ``(B, 1)`` standardised numbers.
        weights: ``(B,)`` weight of each row, mean 1.
        task: Decides the loss: cross-entropy or squared error.
        features: The number of the feature that each column belongs to.
        hierarchy: The penalty's M.
        momentum: In [0, 1).
    """

    def __init__(
        self,
        model: SkipMLP,
        inputs: Tensor,
        targets: Tensor,
        weights: Tensor,
        task: Task,
        features: Sequence[int],
        hierarchy: float,
        momentum: float,
    ) -> None:
        self._all, self._targets, self._task = inputs, targets, task
        self._shares = (weights / len(weights))[:, None]
        self._hierarchy, self._momentum = hierarchy, momentum
        self._width, outputs = model.first.weight.shape[0], targets.shape[1]
        self._rows = self._width + outputs
        self._all_features = torch.tensor(features)
        self.count = int(self._all_features.max()) + 1
        self.columns = torch.arange(inputs.shape[1])
        parts = [
            torch.cat([model.first.weight, model.skip.weight]),
            model.head.weight,
            torch.cat([model.first.bias, model.skip.bias]),
        ]
        self._weights = torch.cat([part.detach().flatten() for part in parts]).to(inputs.dtype)
        self._velocity = torch.zeros_like(self._weights)
        self._delta = inputs.new_empty(len(inputs), self._rows)
        self._bind()

    def _bind(self) -> None:
        """Take the views and the inputs of the columns that are computed."""
        self.inputs = self._all[:, self.columns] if len(self.columns) < self._all.shape[1] else self._all
        self._features = self._all_features[self.columns]
        self._alone = len(self._features.unique()) == len(self._features)
        self._slope = torch.empty_like(self._weights)
        self._matrix, self._head, self._bias = self._views(self._weights)
        self._matrix_slope, self._head_slope, self._bias_slope = self._views(self._slope)
        self._lengths = self._fold(self._matrix[self._width :].square().sum(0)).sqrt()

    def _views(self, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self._rows - self._width
        sizes = [self._rows * len(self.columns), outputs * self._width, self._rows]
        matrix, head, bias = flat.split(sizes)
        return matrix.view(self._rows, -1), head.view(outputs, -1), bias

    def _fold(self, values: Tensor) -> Tensor:
        """Sums over the columns of each feature, one entry per column still where every column is a feature."""
        return values if self._alone else values.new_zeros(self.count).index_add_(0, self._features, values)

    def _spread(self, values: Tensor) -> Tensor:
        if self._alone:
            return values
        spread: Tensor = values[self._features]
        return spread

    def outputs(self, inputs: Tensor) -> Tensor:
        """Outputs ``(B, C)`` from inputs of the computed columns."""
        return self._forward(inputs)[1]

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.addmm(self._bias, inputs, self._matrix.T)
        hidden = both[:, : self._width].clamp(min=0.0)
        return hidden, torch.addmm(both[:, self._width :], hidden, self._head.T)

    def gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """The gradient of the mean data loss: of ``[first; skip]``, of the head and of ``[first; skip]``'s biases."""
        hidden, output = self._forward(self.inputs)
        if self._task is Task.CLASSIFICATION:
            error = output.softmax(1).sub_(self._targets).mul_(self._shares)
        else:
            error = output.sub_(self._targets).mul_(2 * self._shares)
        self._delta[:, self._width :] = error
        back = self._delta[:, : self._width]
        torch.ops.aten.threshold_backward.grad_input(error @ self._head, hidden, 0, grad_input=back)
        torch.mm(self._delta.T, self.inputs, out=self._matrix_slope)
        torch.mm(error.T, hidden, out=self._head_slope)
        torch.sum(self._delta, 0, out=self._bias_slope)
        return self._matrix_slope, self._head_slope, self._bias_slope

    def step(self, rate: float, strength: float) -> None:
        """One step of Nesterov's momentum on the data loss, and the exact proximal step in its metric."""
        self.gradients()
        self._velocity.mul_(self._momentum).add_(self._slope)
        self._weights.add_(self._slope, alpha=-rate).add_(self._velocity, alpha=-rate * self._momentum)
        self._shrink(strength * rate / (1.0 - self._momentum))

    def _shrink(self, cut: float) -> None:
        """The proximal step of :class:`~bridle.regularizers.penalties.HierarchicalLasso`, in place.

        The norm b of a feature is the root of the increasing, concave and piecewise linear function
        ``b - |v| + cut - M sum_i max(|u_i| - M b, 0)``. Newton's method from the last step's norm comes to the left of
        it at once, climbs, and is there when no entry changes its side: mostly after one or two rounds. Rounding may
        send an entry to and fro for ever, hence the limit.
        """
        first, skip, hierarchy = self._matrix[: self._width], self._matrix[self._width :], self._hierarchy
        norms = self._fold(skip.square().sum(0)).sqrt()
        sizes, lengths, before = first.abs(), self._lengths, None
        for _ in range(ROUNDS):
            over = sizes - hierarchy * self._spread(lengths)
            counts = self._fold((over > 0).sum(0))
            if before is not None and torch.equal(counts, before):
                break
            height = lengths - norms + cut - hierarchy * self._fold(over.clamp_(min=0.0).sum(0))
            lengths, before = lengths - height / (1.0 + hierarchy**2 * counts), counts
        self._lengths = lengths.clamp_(min=0.0)
        if bool((norms == 0).any()):
            self._even(norms)
        skip.mul_(self._spread(self._lengths / norms.clamp(min=TINY)))
        most = self._spread(hierarchy * self._lengths)
        torch.minimum(first, most, out=first)
        torch.maximum(first, -most, out=first)

    def _even(self, norms: Tensor) -> None:
        """Give features without skip weights a direction, all entries alike: every one is as near."""
        skip = self._matrix[self._width :]
        entries = self._spread(self._fold(torch.full_like(skip[0], len(skip))))
        skip.copy_(torch.where(self._spread(norms) == 0, entries.rsqrt(), skip))
        norms[norms == 0] = 1.0

    @property
    def selected(self) -> Tensor:
        """The numbers of the features that are not left out, ascending."""
        numbers: Tensor = self._features[self._spread(self._lengths) > 0].unique()
        return numbers

    @property
    def norms(self) -> Tensor:
        """The norm of the skip weights of each selected feature, in the order of :attr:`selected`."""
        squares = self._matrix[self._width :].square().sum(0)
        norms: Tensor = squares.new_zeros(self.count).index_add_(0, self._features, squares).sqrt()[self.selected]
        return norms

    def drop(self) -> None:
        """Cease to compute the columns of features that are left out; they stay out."""
        kept = self._spread(self._lengths) > 0
        if bool(kept.all()):
            return
        self._rebind(self.columns[kept], [self._kept(flat, kept) for flat in (self._weights, self._velocity)])

    def _kept(self, flat: Tensor, kept: Tensor) -> Tensor:
        matrix, head, bias = self._views(flat)
        return torch.cat([matrix[:, kept].flatten(), head.flatten(), bias])

    def _rebind(self, columns: Tensor, flats: list[Tensor]) -> None:
        self.columns = columns
        self._weights, self._velocity = flats
        self._bind()

    def state(self) -> tuple[Tensor, Tensor]:
        """The computed columns and a copy of the weights, for :meth:`restore`."""
        return self.columns, self._weights.clone()

    def restore(self, state: tuple[Tensor, Tensor]) -> None:
        """Go back to a :meth:`state`, at rest."""
        columns, weights = state
        self._rebind(columns, [weights.clone(), torch.zeros_like(weights)])

    def curvature(self) -> float:
        """The largest eigenvalue of ``[x, 1]^T [x, 1] / B``: what bounds the length of a stable step."""
        padded = torch.cat([self._all, torch.ones_like(self._all[:, :1])], 1)
        return float(torch.linalg.matrix_norm(padded, 2) ** 2 / len(padded))

    def finite(self) -> bool:
        """Whether all weights are finite numbers."""
        return math.isfinite(float(self._weights.sum()))

    def load_into(self, model: SkipMLP) -> None:
        """Write the weights into a :class:`SkipMLP`; left-out features have exact zeros."""
        full = self._matrix.new_zeros(self._rows, self._all.shape[1])
        full[:, self.columns] = self._matrix
        first, skip = full.split([self._width, self._rows - self._width])
        first_bias, skip_bias = self._bias.split([self._width, self._rows - self._width])
        with torch.no_grad():
            for parameter, value in (
                (model.first.weight, first),
                (model.skip.weight, skip),
                (model.head.weight, self._head),
                (model.first.bias, first_bias),
                (model.skip.bias, skip_bias),
            ):
                parameter.copy_(value)
