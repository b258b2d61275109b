"""The space that is searched where the user gives none, with its size in epochs, batches and trials."""

import math
from dataclasses import dataclass
from typing import Any, final

from bridle.choosing._addresses import along, matters, middle, nearest
from bridle.core import Recipe, Regularizer, Training, between, choice
from bridle.records import Kind, Layout, Task
from bridle.regularizers.augment import Colour, Erasing, FeatureNoise, HorizontalFlip, Mixup, Rotation, Shift
from bridle.regularizers.averaging import EMA
from bridle.regularizers.noise import Dropout
from bridle.regularizers.penalties import L2
from bridle.regularizers.targets import LabelSmoothing


@final
@dataclass(frozen=True)
class Effort:
    """What a data set of up to ``rows`` training rows gets."""

    rows: float
    epochs: int
    batch_size: int
    trials: int


EFFORTS: dict[Kind, tuple[Effort, ...]] = {
    Kind.TABLE: (
        Effort(500, epochs=60, batch_size=16, trials=24),
        Effort(1_000, epochs=40, batch_size=32, trials=20),
        Effort(3_000, epochs=30, batch_size=64, trials=16),
        Effort(10_000, epochs=25, batch_size=64, trials=16),
        Effort(30_000, epochs=18, batch_size=128, trials=12),
        Effort(100_000, epochs=12, batch_size=128, trials=12),
        Effort(math.inf, epochs=8, batch_size=256, trials=10),
    ),
    Kind.IMAGE: (
        Effort(1_000, epochs=30, batch_size=32, trials=12),
        Effort(3_000, epochs=16, batch_size=64, trials=8),
        Effort(10_000, epochs=16, batch_size=64, trials=8),
        Effort(30_000, epochs=12, batch_size=128, trials=8),
        Effort(math.inf, epochs=10, batch_size=128, trials=8),
    ),
}
"""Small data: small batches and many epochs, since each epoch has few steps; large data: the reverse."""


RATE = "training.learning_rate"


def effort(rows: int, kind: Kind) -> Effort:
    """The effort for ``rows`` training rows."""
    return next(item for item in EFFORTS[kind] if rows <= item.rows)


def default_trials(rows: int, kind: Kind) -> int:
    """How many recipes a search tries by default on ``rows`` training rows."""
    return effort(rows, kind).trials


def default_space(layout: Layout, rows: int) -> Recipe:
    """The space for data of this layout.

    Free are the learning rate (AdamW without decay, on a cosine schedule), the strength of L2 and the rate of dropout
    and, each of which the search may also leave out, label smoothing (for classes), an average of the weights, mixup
    and the augmentations of the data's kind: for images shift and rotation, for images in colour horizontal flip,
    saturation and erasing too; for tables noise on the numbers. The number of epochs is taken from the mean validation
    curve, up to a limit that :data:`EFFORTS` gives with the batch size: for tables 60 epochs of batches of 16 for 500
    rows, 30 of 64 for 3,000, 12 of 128 for 100,000.

    Args:
        layout: Kind and shape of the data.
        rows: The number of training rows, before they are divided into folds.
    """
    size = effort(rows, layout.kind)
    training = Training(learning_rate=between(1e-3, 3e-2, log=True), epochs=size.epochs, batch_size=size.batch_size)
    smoothing = [LabelSmoothing(rate=between(0.01, 0.15), optional=True)] if layout.task is Task.CLASSIFICATION else []
    return Recipe(
        *(_of_images(layout) if layout.kind is Kind.IMAGE else _of_tables(layout)),
        Mixup(strength=between(0.1, 1.0, log=True), optional=True),
        Dropout(rate=between(0.0, 0.4)),
        *smoothing,
        L2(strength=between(1e-6, 1e-2, log=True)),
        EMA(decay=choice(0.98, 0.99, 0.995), optional=True),
        training=training,
    )


def defaults(space: Recipe, layout: Layout | None = None, learning_rate: float | None = None) -> list[dict[str, Any]]:
    """The values to try first, so that a small budget holds sensible recipes.

    "Plain" has all optional regularizers off and the rest mild (a quarter of the way along their ranges); "mild" and
    "full" have those on that seldom hurt, a quarter and half of the way along. Left out of these two are mixup, label
    smoothing and, except for pictures in colour, flips: a mirrored digit is another sign.

    Args:
        space: A recipe with free dials.
        layout: Kind and shape of the data.
        learning_rate: The rate that did best without regularization on the same folds, where that is known: the first
            recipes start from it (or from the nearest that the space allows), else from the middle.
    """
    in_colour = layout is not None and _in_colour(layout)
    doubtful: tuple[type[Regularizer], ...] = (Mixup, LabelSmoothing, *(() if in_colour else (HorizontalFlip,)))
    optional = [item for item in space.regularizers if item.optional]
    plain: dict[str, Any] = {f"{item.key}.active": False for item in optional}
    full: dict[str, Any] = {f"{item.key}.active": not isinstance(item, doubtful) for item in optional}
    if "training.learning_rate" in space.free():
        rate = middle(space, RATE) if learning_rate is None else nearest(space, RATE, learning_rate)
        plain, full = plain | {RATE: rate}, full | {RATE: rate}
    asks = [_filled(space, plain, 0.25), _filled(space, full, 0.25), _filled(space, full, 0.5)]
    return [ask for place, ask in enumerate(asks) if ask not in asks[:place]]


def _filled(space: Recipe, values: dict[str, Any], share: float) -> dict[str, Any]:
    return {
        address: values[address] if address in values else along(space, address, share)
        for address in space.free()
        if matters(address, values)
    }


def _of_images(layout: Layout) -> list[Regularizer]:
    moves: list[Regularizer] = [
        Shift(fraction=between(0.02, 0.15), optional=True),
        Rotation(degrees=between(2.0, 20.0), optional=True),
    ]
    if not _in_colour(layout):
        return moves
    return [
        HorizontalFlip(rate=0.5, optional=True),
        *moves,
        Colour(saturation=between(0.05, 0.5), optional=True),
        Erasing(area=between(0.05, 0.4), optional=True),
    ]


def _in_colour(layout: Layout) -> bool:
    return layout.kind is Kind.IMAGE and layout.shape[0] == 3


def _of_tables(layout: Layout) -> list[Regularizer]:
    return [FeatureNoise(strength=between(0.02, 0.3, log=True), optional=True)] if layout.numeric else []
