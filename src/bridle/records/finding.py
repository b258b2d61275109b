"""A finding: one thing that was established about a training, with its measurement."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing established, in words for the user and in numbers.

    Args:
        name: A short stable name, for example ``"nan_loss"``.
        severity: How much it matters.
        message: What was seen and what to do about it.
        numbers: The measurements behind it.
    """

    name: str
    severity: Severity
    message: str
    numbers: dict[str, Any] = field(default_factory=dict)
