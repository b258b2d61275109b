"""What a check is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from bridle.auditing.observed import Observed
from bridle.records import Finding


class Check(ABC):
    """Looks for one mistake.

    Attributes:
        name: The name of its findings; the name of its file by default.
        seen_in: Where it can be seen: ``"audit"`` (a call of ``bridle.audit``), ``"script"`` (a traced script) and
            ``"run"`` (Bridle's own runs).
    """

    name: ClassVar[str] = ""
    seen_in: ClassVar[tuple[str, ...]] = ("audit",)

    def __init_subclass__(cls) -> None:
        """Take the file's name."""
        if not cls.name:
            cls.name = cls.__module__.rpartition(".")[2]

    @abstractmethod
    def look(self, observed: Observed) -> Iterator[Finding]:
        """Yield a finding for each mistake that is there."""
