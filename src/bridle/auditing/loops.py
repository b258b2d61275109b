"""Hears when a script ends one of its loops early, because of what came out in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

_followers: list["Loops"] = []
_counters: dict[int, dict[int, bool]] = {}


@final
class Loops:
    """Follows the loops of a script.

    Args:
        begun: Called with the number of a loop each time it begins.
        left: Called with the number of a loop when it is ended early; not when a counter has reached its end.
    """

    def __init__(self, begun: Callable[[int], None], left: Callable[[int], None]) -> None:
        self.begun, self.left = begun, left

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follow them in here."""
        _followers.append(self)
        try:
            yield
        finally:
            _followers.remove(self)


def begun(loop: int) -> None:
    """Called by the script's own code before a loop."""
    _counters.pop(loop, None)
    for follower in _followers:
        follower.begun(loop)


def left(*loops: int) -> None:
    """Called by the script's own code where it leaves loops, the innermost first."""
    for follower in _followers:
        for loop in loops:
            follower.left(loop)


def counted(loop: int, part: int, value: object) -> bool:
    """Called by the script's own code with a counter's part of a loop's condition; gives its truth."""
    truth = bool(value)
    _counters.setdefault(loop, {})[part] = truth
    return truth


def counter(loop: int, part: int, unasked: bool) -> bool:
    """What that part was when it was last asked, ``unasked`` where it never was."""
    return _counters.get(loop, {}).get(part, unasked)


def ended(loop: int, would_go_on: bool) -> None:
    """Called by the script's own code where a loop's condition ended it.

    Args:
        loop: The number of the loop.
        would_go_on: Whether its counters alone would have let it go on.
    """
    if would_go_on:
        left(loop)
