"""The batches of a user's own loop, as augmentations and rules for targets change them."""

from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from bridle.core import Augmentation, Batch, Draws, Recipe, TargetRule
from bridle.errors import DataError, RecipeError
from bridle.records import Kind
from bridle.regularizers.augment import Mixup
from bridle.regularizers.augment._base import Geometric
from bridle.regularizers.augmenting import augment

_APART = 2**32
"""Between the row numbers of two replicas, so that their examples never share draws."""


@final
class OwnBatches:
    """Augments inputs and changes targets as a recipe declares.

    Args:
        recipe: The recipe; nothing free in it.
        classes: How many classes there are; needed where targets are class numbers that a rule changes.
        continuous: For a table, how many leading columns are standardised numbers; ``None``: all.
    """

    def __init__(self, recipe: Recipe, classes: int | None, continuous: int | None) -> None:
        self._augmentations, self._rules = recipe.of(Augmentation), recipe.of(TargetRule)
        self._softens = bool(self._rules) or any(not item.keeps_labels for item in self._augmentations)
        self._classes, self._continuous = classes, continuous
        self._checked = False

    @property
    def act(self) -> bool:
        """Whether they change anything."""
        return bool(self._augmentations or self._rules)

    @property
    def soften(self) -> bool:
        """Whether targets come as rows of probabilities, or as mixtures of numbers."""
        return self._softens

    def __call__(
        self,
        inputs: Tensor,
        targets: Tensor,
        draws: Draws,
        progress: float,
        examples: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The batch as the network is to see it; what was given is not changed.

        Args:
            inputs: ``(B, columns)`` or ``(B, channels, height, width)``.
            targets: ``(B,)`` class numbers, ``(B, C)`` rows of probabilities, or numbers ``(B,)`` or ``(B, 1)``.
            draws: The draws of this batch.
            progress: The share of the training that is done, for schedules.
            examples: ``(B,)`` row numbers of the examples; by default their places in the batch.

        Raises:
            DataError: If the batch is none that the recipe can act on.
            RecipeError: If the number of classes is needed and not known.
        """
        if not self.act:
            return inputs, targets
        rows = self._rows(targets, inputs) if self._softens else targets
        if self._augmentations:
            batch = self._batch(inputs, rows, draws, examples)
            batch = augment(batch, [item.at(progress) for item in self._augmentations], draws)
            inputs, rows = batch.inputs, batch.targets
        for rule in self._rules:
            rows = rule.at(progress).apply(rows)
        if not self._softens:
            return inputs, targets
        return inputs, rows if rows.shape[1] > 1 else rows.reshape(targets.shape)

    def _batch(self, inputs: Tensor, rows: Tensor, draws: Draws, examples: Tensor | None) -> Batch:
        kind = self._kind(inputs)
        count, device = len(inputs), inputs.device
        if examples is None:
            examples = torch.arange(count, device=device) + draws.fold * _APART
        batch = Batch(
            inputs=inputs,
            targets=rows,
            weights=torch.ones(count, dtype=inputs.dtype, device=device),
            examples=examples.to(device),
            times=torch.full((count,), draws.step, device=device),
            kind=kind,
        )
        if kind is Kind.IMAGE:
            return batch
        return replace(batch, continuous=inputs.shape[1] if self._continuous is None else self._continuous)

    def _kind(self, inputs: Tensor) -> Kind:
        kinds = {2: Kind.TABLE, 4: Kind.IMAGE}
        names = ", ".join(item.key for item in self._augmentations)
        if inputs.ndim not in kinds or not inputs.is_floating_point():
            raise DataError(
                f"{names} takes inputs (B, columns) or (B, channels, height, width) of floating point; got "
                f"{tuple(inputs.shape)} of {inputs.dtype}. Leave it out of this recipe, or give such batches."
            )
        kind = kinds[inputs.ndim]
        if not self._checked:
            self._check(inputs, kind)
        return kind

    def _check(self, inputs: Tensor, kind: Kind) -> None:
        """Once, at the first batch: looking at values waits for the device."""
        for item in self._augmentations:
            if kind not in item.acts_on:
                allowed = ", ".join(sorted(item.acts_on))
                raise DataError(f"{item.key} acts on {allowed} data; a batch {tuple(inputs.shape)} is {kind} data.")
            moves_only = isinstance(item, Mixup) or (isinstance(item, Geometric) and item.fill != "zeros")
            low, high = float(inputs.min()), float(inputs.max())
            if kind is Kind.IMAGE and not moves_only and not (low >= 0 and high <= 1):
                raise DataError(
                    f"{item.key} takes images in [0, 1], where 0 is black; these lie in [{low:.3g}, {high:.3g}]. "
                    "Normalise them within the model, which comes after the augmentation."
                )
        self._checked = True

    def _rows(self, targets: Tensor, inputs: Tensor) -> Tensor:
        """Targets ``(B, C)``, or ``(B, 1)`` for numbers."""
        keys = ", ".join(item.key for item in (*self._augmentations, *self._rules))
        if targets.is_floating_point():
            rows = targets.reshape(len(targets), 1) if targets.ndim == 1 else targets
            if rows.ndim != 2 or (self._rules and rows.shape[1] == 1):
                raise DataError(
                    f"{keys} takes targets (B,) of class numbers or (B, C) of probabilities"
                    f"{'' if self._rules else ', or numbers (B,)'}; got {tuple(targets.shape)} of {targets.dtype}."
                )
            return rows
        if targets.ndim != 1:
            raise DataError(f"{keys} takes class numbers (B,); got {tuple(targets.shape)} of {targets.dtype}.")
        if self._classes is None:
            raise RecipeError(
                f"{keys} changes targets, which then are rows of probabilities: say how many classes there are with "
                "classes=..."
            )
        dtype = inputs.dtype if inputs.is_floating_point() else torch.float32
        return torch.eye(self._classes, dtype=dtype, device=targets.device)[targets]
