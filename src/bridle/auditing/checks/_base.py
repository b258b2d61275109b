"""The one form of all checks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from bridle.auditing.observed import Observed
from bridle.records import Finding


class Check(ABC):
    """One kind of mistake, looked for by measurement.

    A check leaves what it looks at as it was: weights, buffers, modes and random states.
    """

    name: ClassVar[str] = ""
    """The stable name of its findings: that of its file."""

    seen_in: ClassVar[tuple[str, ...]] = ("audit",)
    """Where it can be seen: in a call of ``"audit"``, in a traced ``"script"``, in Bridle's own ``"run"``."""

    def __init_subclass__(cls) -> None:
        """Take the file's name."""
        cls.name = cls.name or cls.__module__.rpartition(".")[2]

    @abstractmethod
    def look(self, observed: Observed) -> Iterator[Finding]:
        """What was found, nothing where all is well or where it cannot be seen.

        Args:
            observed: The training.
        """
