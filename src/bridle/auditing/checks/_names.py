"""Names in a message."""

from collections.abc import Sequence


def listing(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
