"""What the inputs and targets of a data set look like: plain data, common to all folds."""

from dataclasses import dataclass
from enum import StrEnum

from bridle.records.task import Task


class Kind(StrEnum):
    """The kind of the inputs; an augmentation names the kinds it can act on."""

    TABLE = "table"
    IMAGE = "image"


@dataclass(frozen=True)
class Column:
    """One input column of a table.

    Args:
        name: The column's name in the file.
        categories: For a categorical column its categories in sorted order, else ``None``. The code stored for category
            ``j`` is ``j + 2``; code 0 is "unknown" (a category not seen in the training rows), code 1 is "missing".
        missing: For a numeric column, whether any value is missing: then an indicator column is added to the inputs.
    """

    name: str
    categories: tuple[str, ...] | None = None
    missing: bool = False

    @property
    def is_categorical(self) -> bool:
        """Whether the column holds codes of categories."""
        return self.categories is not None


@dataclass(frozen=True)
class Layout:
    """Shape and meaning of one example and of its target.

    Stored rows are one array, ``Dataset.inputs``: for a table ``(N, columns)`` float32 with numeric columns first
    (missing: NaN) and then the codes of the categorical ones; for images ``(N, channels, height, width)`` of uint8 or
    float32.

    Args:
        kind: Table or image.
        task: Classification or regression.
        shape: The shape of one stored row: ``(columns,)`` or ``(channels, height, width)``.
        target: The target's name.
        columns: The input columns of a table in stored order, numeric ones first. Empty for images.
        classes: The names of the classes in the order of their codes. Empty for regression.
        low: For images, the stored value that means black ...
        high: ... and the one that means white.
    """

    kind: Kind
    task: Task
    shape: tuple[int, ...]
    target: str = "target"
    columns: tuple[Column, ...] = ()
    classes: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 255.0

    @property
    def outputs(self) -> int:
        """How many numbers the model must give for one example: one per class, or one."""
        return len(self.classes) if self.task is Task.CLASSIFICATION else 1

    @property
    def numeric(self) -> tuple[Column, ...]:
        """The numeric columns of a table."""
        return tuple(column for column in self.columns if not column.is_categorical)

    @property
    def categorical(self) -> tuple[Column, ...]:
        """The categorical columns of a table."""
        return tuple(column for column in self.columns if column.is_categorical)
