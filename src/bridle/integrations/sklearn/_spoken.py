"""What a job does, in lines on the standard output: what ``verbose`` asks for."""

from typing import final


@final
class Spoken:
    """Prints stages and sentences."""

    def stage(self, name: str, total: int) -> None:
        """A stage begins."""
        print(f"[bridle] {name}" + (f": {total} trainings" if total else ""))  # noqa: T201

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Nothing: a line per training would be too many."""

    def say(self, text: str) -> None:
        """A sentence for the user."""
        print(f"[bridle] {text}")  # noqa: T201
