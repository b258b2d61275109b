"""What a network is told about its inputs and outputs before it is built."""

from dataclasses import dataclass
from typing import final

from bridle.errors import ModelError
from bridle.records import Kind


@final
@dataclass(frozen=True)
class Inputs:
    """Shape and meaning of one model input, and how many numbers the model must give for it.

    A table's example is one row of float32: standardised numbers, then missing indicators, then category codes as whole
    floats (0 unknown, 1 missing, ``j + 2`` category ``j``).

    Args:
        kind: Table or image.
        shape: The shape of one example: ``(columns,)`` or ``(channels, height, width)``.
        outputs: How many numbers the model gives per example: one per class, or one.
        continuous: For a table, how many leading columns are standardised numbers.
        indicators: For a table, how many columns after them are missing indicators.
        cardinalities: For a table, the number of codes (categories + 2) of each of the trailing categorical columns.

    Raises:
        ModelError: If the columns of a table do not add up to its shape, or an image has no three dimensions.
    """

    kind: Kind
    shape: tuple[int, ...]
    outputs: int
    continuous: int = 0
    indicators: int = 0
    cardinalities: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts fit the shape."""
        if self.kind is Kind.IMAGE and len(self.shape) != 3:
            raise ModelError(f"Inputs.shape of an image must be (channels, height, width); got {self.shape}.")
        columns = self.continuous + self.indicators + len(self.cardinalities)
        if self.kind is Kind.TABLE and self.shape != (columns,):
            raise ModelError(
                f"Inputs.shape of a table must be ({columns},), one per continuous, indicator and categorical column; "
                f"got {self.shape}."
            )

    @property
    def numbers(self) -> int:
        """How many leading columns are plain numbers: standardised ones and indicators."""
        return self.continuous + self.indicators
