"""Which loader a script trains on and which it validates on."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

VALIDATION = re.compile(r"(^|_)(val(?!ue)|dev(?!ice)|eval|test|hold_?out)", re.IGNORECASE)


class Loaders:
    """Notes which loader was begun last, and by that what a model is called on."""

    def __init__(self) -> None:
        self.training: DataLoader[Any] | None = None
        self.validation: DataLoader[Any] | None = None
        self._begun: DataLoader[Any] | None = None

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice all loaders that are begun in here."""
        begin = DataLoader.__iter__

        def noticed(loader: DataLoader[Any]) -> Any:
            self._begun = loader
            return begin(loader)

        DataLoader.__iter__ = noticed  # type: ignore[method-assign]
        try:
            yield
        finally:
            DataLoader.__iter__ = begin  # type: ignore[method-assign]

    def trains(self) -> None:
        """A model is about to be trained on what was begun last."""
        self.training = self.training or self._begun

    def validates(self) -> None:
        """A model was evaluated on what was begun last."""
        if self._begun is not self.training:
            self.validation = self.validation or self._begun

    def named_for_validation(self, spaces: list[Mapping[str, Any]]) -> DataLoader[Any] | None:
        """A loader that a variable, key or attribute calls validation, or else test."""
        found = {name: one for space in spaces for name, one in _named(space) if one is not self.training}
        tests = [name for name in found if "test" in name.lower()]
        names = [name for name in found if name not in tests] + tests
        return found[names[0]] if names else None


def spaces(frame: FrameType | None) -> list[Mapping[str, Any]]:
    """The variables that a script's running functions can see, the innermost first."""
    found: list[Mapping[str, Any]] = []
    while frame is not None:
        found.append(dict(frame.f_locals))
        if frame.f_globals.get("__name__") == "__main__":
            found.append(frame.f_globals)
        frame = frame.f_back
    return found


def _named(space: Mapping[Any, Any], depth: int = 1) -> Iterator[tuple[str, DataLoader[Any]]]:
    for name, value in list(space.items()):
        if isinstance(value, DataLoader):
            if isinstance(name, str) and VALIDATION.search(name):
                yield name, value
        elif depth and isinstance(value, dict):
            yield from _named(value, depth - 1)
        elif depth and name == "self":
            yield from _named(getattr(value, "__dict__", {}), depth - 1)
