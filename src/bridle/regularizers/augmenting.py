"""Augmenting a batch: all augmentations of a recipe in order, the geometric ones fused."""

from collections.abc import Iterator, Sequence

from bridle.core import Augmentation, Batch, Draws
from bridle.regularizers.augment._base import Geometric, transform


def augment(batch: Batch, augmentations: Sequence[Augmentation], draws: Draws) -> Batch:
    """The batch after all augmentations, in order; ``batch`` itself is not changed.

    Each run of geometric augmentations in a row that agree on what is seen outside the image is composed into one map
    and resampled once: faster and sharper than one after another.

    Args:
        batch: The batch; every augmentation acts on its kind of data.
        augmentations: The augmentations, in the recipe's order.
        draws: The randomness of this member at this step.
    """
    for run in _runs(augmentations):
        geometric = [item for item in run if isinstance(item, Geometric)]
        batch = transform(batch, geometric, draws) if geometric else run[0].apply(batch, draws)
    return batch


def _runs(augmentations: Sequence[Augmentation]) -> Iterator[list[Augmentation]]:
    """The augmentations in order, those that can be fused together."""
    run: list[Augmentation] = []
    fill: str | None = None
    for item in augmentations:
        outside = item.fill if isinstance(item, Geometric) else None
        fits = isinstance(item, Geometric) and (fill is None or outside is None or outside == fill)
        if run and not fits:
            yield run
            run, fill = [], None
        if isinstance(item, Geometric):
            run.append(item)
            fill = fill or outside
        else:
            yield [item]
    if run:
        yield run
