"""What a user may say about how data is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

from bridle.errors import DataError
from bridle.records import Task


@final
@dataclass(frozen=True)
class Options:
    """How a source is read.

    Args:
        target: The target column of a table.
        task: Classification or regression; ``None`` to infer it from the target, which is said in the notes.
        size: Working height and width of images, in pixels. ``None``: the size of the files where all have the same
            one of at most 128 pixels, else 64, which the default network trains in minutes on a processor.
        drop: Columns that are not inputs.
        categorical: Columns to take as categories although they look like numbers or identifiers.
        group: A column whose equal values keep rows together in folds and test.
        time: A column that orders the rows; the past is never predicted from the future.
        weights: A column of example weights.
        bad_images: ``"refuse"`` or ``"skip"`` images that cannot be read.
        cache: The folder for decoded images and large tables; ``None`` for the user's own (``BRIDLE_CACHE`` names
            another).

    Raises:
        DataError: If a value is not allowed, or one column has two roles.
    """

    target: str | None = None
    task: Task | None = None
    size: int | None = None
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    weights: str | None = None
    bad_images: Literal["refuse", "skip"] = "refuse"
    cache: Path | None = None

    def __post_init__(self) -> None:
        """Check values and that no column has two roles."""
        if self.size is not None and not 1 <= self.size <= 4096:
            raise DataError(f"size must lie in [1, 4096] pixels; got {self.size}.")
        if self.bad_images not in ("refuse", "skip"):
            raise DataError(f'bad_images must be "refuse" or "skip"; got {self.bad_images!r}.')
        if self.group is not None and self.time is not None:
            raise DataError(
                f"Rows are kept together either by group or in time order; got both group {self.group!r} and time "
                f"{self.time!r}. Leave one out."
            )
        roles = [column for column in (self.target, self.group, self.time, self.weights) if column is not None]
        twice = sorted({column for column in roles if roles.count(column) > 1})
        if twice:
            raise DataError(
                f"One column can have one role only (target, group, time or weights); {twice[0]!r} was named for two."
            )
