"""How a job tells what it is doing, without knowing who listens."""

from typing import Protocol, final


class Progress(Protocol):
    """What a job calls while it works; the command line draws bars from it."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins, and the one before it has ended.

        Args:
            name: What is done, for example ``"search"``.
            total: How many steps it takes at most; 0 where that is not known.
        """

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Some steps of the stage are done.

        Args:
            steps: How many more than at the last call.
            note: What to show beside the bar, for example the best score so far; empty keeps the last note.
        """

    def say(self, text: str) -> None:
        """Something that the user should read now, in a sentence."""


@final
class Silent:
    """Tells nothing."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
