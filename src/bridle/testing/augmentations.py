"""Laws of augmentations."""

import dataclasses

import torch

from bridle.core import Augmentation, Batch, Draws
from bridle.records import Kind
from bridle.testing import material
from bridle.testing.law import Unchanged, off, require, require_alike, require_close, require_same
from bridle.testing.members import check_stacked

_DRAWS = Draws(seed=5, fold=2, step=7)
# Resampling places pixels to float32 precision.
_PIXEL = 1e-5


def _unchanged(batch: Batch) -> Unchanged:
    return Unchanged(batch.inputs, batch.targets, batch.weights, batch.examples, batch.times)


def _off(augmentation: Augmentation) -> list[Augmentation]:
    """The augmentation with rate zero, and with all its other dials zero that can be."""
    found = (off(augmentation, only=("rate",)), off(augmentation, without=("rate",)))
    return [item for item in found if item is not None]


def augmentation_keeps_the_form(augmentation: Augmentation, device: torch.device) -> None:
    """The augmented batch has the form and type of the batch, finite, images in [0, 1]; the batch itself stays."""
    for dtype in (torch.float64, torch.float32):
        for batch in material.batches(augmentation, device, dtype):
            with _unchanged(batch):
                changed = augmentation.apply(batch, _DRAWS)
            for name in ("inputs", "targets", "weights"):
                require_alike(
                    getattr(changed, name), getattr(batch, name), f"the augmented {name} must be like the old"
                )
                require(bool(getattr(changed, name).isfinite().all()), f"the augmented {name} are not finite")
            for name in ("examples", "times"):
                require_same(getattr(changed, name), getattr(batch, name), f"an augmentation leaves {name} as they are")
            if batch.kind is Kind.IMAGE:
                low, high = float(changed.inputs.min()), float(changed.inputs.max())
                require(low >= -_PIXEL and high <= 1 + _PIXEL, f"pixels must stay in [0, 1]; got [{low}, {high}]")


def categories_stay_categories(augmentation: Augmentation, device: torch.device) -> None:
    """In a table, a column that is no number holds only values that it held before."""
    for batch in material.batches(augmentation, device):
        if batch.kind is Kind.TABLE:
            changed = augmentation.apply(batch, _DRAWS)
            for column in range(batch.continuous, batch.inputs.shape[1]):
                known = torch.isin(changed.inputs[:, column], batch.inputs[:, column])
                require(bool(known.all()), f"column {column} is no number, yet it holds a new value")


def labels_are_kept_or_mixed(augmentation: Augmentation, device: torch.device) -> None:
    """A label-preserving augmentation keeps targets and weights; a mixing one keeps rows that sum to 1."""
    for batch in material.batches(augmentation, device):
        changed = augmentation.apply(batch, _DRAWS)
        if augmentation.keeps_labels:
            require_same(changed.targets, batch.targets, "it says that it keeps labels, but the targets changed")
            require_same(changed.weights, batch.weights, "it says that it keeps labels, but the weights changed")
        else:
            rows = changed.targets.sum(1)
            require_close(rows, torch.ones_like(rows), "the rows of mixed targets must sum to 1")
            require(
                bool((changed.targets >= 0).all() and (changed.weights >= 0).all()), "a target or weight is negative"
            )


def view_belongs_to_the_example(augmentation: Augmentation, device: torch.device) -> None:
    """How an example looks depends on seed, fold, time and example only: on no neighbour, order or step."""
    if not augmentation.keeps_labels:
        return
    for batch in material.batches(augmentation, device):
        changed = augmentation.apply(batch, _DRAWS).inputs
        later = augmentation.apply(batch, dataclasses.replace(_DRAWS, step=900)).inputs
        require_same(changed, later, "the view must not depend on the step")
        order = torch.tensor([4, 1, 7, 3], device=device)
        fields = {name: getattr(batch, name)[order] for name in ("inputs", "targets", "weights", "examples", "times")}
        few = augmentation.apply(dataclasses.replace(batch, **fields), _DRAWS).inputs
        require_close(few, changed[order], "the view depends on the batch or its order", tolerance=_PIXEL)


def draws_are_its_own(augmentation: Augmentation, device: torch.device) -> None:
    """The same key gives the same view; another seed, fold, time, example or label gives another."""
    if augmentation in _off(augmentation):
        return
    for batch in material.batches(augmentation, device, count=64):
        later = dataclasses.replace(batch, times=batch.times + 1)
        others = dataclasses.replace(batch, examples=batch.examples + 64)
        view = augmentation.apply(batch, _DRAWS).inputs
        require_same(augmentation.apply(batch, _DRAWS).inputs, view, "the same draws must give the same view")
        require(not torch.equal(view, batch.inputs), "the augmentation changes nothing")
        changes = {
            "seed": augmentation.apply(batch, dataclasses.replace(_DRAWS, seed=6)),
            "fold": augmentation.apply(batch, dataclasses.replace(_DRAWS, fold=0)),
            "time": augmentation.apply(later, _DRAWS),
            "example": augmentation.apply(others, _DRAWS),
            "label": augmentation.bind({"label": "second"}).apply(batch, _DRAWS),
        }
        for name, other in changes.items():
            require(not torch.equal(other.inputs, view), f"another {name} must give another view")


def zero_augmentation_is_the_identity(augmentation: Augmentation, device: torch.device) -> None:
    """With rate zero, or every other dial that can be zero at zero, the batch stays."""
    for nothing in _off(augmentation):
        for batch in material.batches(augmentation, device):
            changed = nothing.apply(batch, _DRAWS)
            for name in ("inputs", "targets", "weights"):
                message = f"an augmentation of size zero must leave the {name}"
                require_close(getattr(changed, name), getattr(batch, name), message, tolerance=_PIXEL)


def augmentation_stacks(augmentation: Augmentation, device: torch.device) -> None:
    """The batches of members with unlike dials, stacked, are those of each alone."""
    for batch in material.batches(augmentation, device):

        def call(item: Augmentation, factor: torch.Tensor, given: Batch = batch) -> list[torch.Tensor]:
            changed = item.apply(dataclasses.replace(given, inputs=given.inputs * factor), _DRAWS)
            return [changed.inputs, changed.targets, changed.weights]

        check_stacked(call, augmentation, device, tolerance=_PIXEL)


LAWS = (
    augmentation_keeps_the_form,
    categories_stay_categories,
    labels_are_kept_or_mixed,
    view_belongs_to_the_example,
    draws_are_its_own,
    zero_augmentation_is_the_identity,
    augmentation_stacks,
)
