"""Which loader a script trains on and which it validates on."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader

VALIDATION = re.compile(r"(^|_)(val(?!ue)|dev(?!ice)|eval|test|hold_?out)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Turn:
    """One turn of a loader through its rows."""

    loader: DataLoader[Any]


class Loaders:
    """Notes which loader was begun last, and by that what a model is called on."""

    def __init__(self) -> None:
        self.training: DataLoader[Any] | None = None
        self.validation: DataLoader[Any] | None = None
        self._begun: DataLoader[Any] | None = None
        self._turn: Turn | None = None
        self._trained: Turn | None = None

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice all loaders that are begun in here."""
        begin = DataLoader.__iter__

        def noticed(loader: DataLoader[Any]) -> Any:
            self._begun, self._turn = loader, Turn(loader)
            return begin(loader)

        DataLoader.__iter__ = noticed  # type: ignore[method-assign]
        try:
            yield
        finally:
            DataLoader.__iter__ = begin  # type: ignore[method-assign]

    def trains(self) -> None:
        """A model is about to be trained on what was begun last."""
        self.training = self.training or self._begun
        self._trained = self._turn

    def validates(self) -> None:
        """A model was evaluated on what was begun last."""
        if self._begun is not self.training:
            self.validation = self.validation or self._begun

    @property
    def turn(self) -> Turn | None:
        """The turn of a loader that rows come from now; None if there is none but one that a model was trained in."""
        return None if self._turn is self._trained else self._turn

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


def names_of(value: Any, spaces: list[Mapping[str, Any]]) -> Iterator[str]:
    """What variables, keys and attributes of ``self`` call a value."""
    for space in spaces:
        for name, held in list(space.items()):
            within = held if isinstance(held, dict) else getattr(held, "__dict__", {}) if name == "self" else {}
            if held is value:
                yield name
            yield from (inner for inner, item in list(within.items()) if item is value and isinstance(inner, str))


def named_among(values: Mapping[int, Any], spaces: list[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Names of variables and attributes of ``self``, with the ``id`` of what they name, for values known by theirs."""
    for space in spaces:
        for place in (space, getattr(space.get("self"), "__dict__", {})):
            yield from ((name, id(held)) for name, held in list(place.items()) if id(held) in values)


def _named(space: Mapping[Any, Any], depth: int = 1) -> Iterator[tuple[str, DataLoader[Any]]]:
    for name, value in list(space.items()):
        if isinstance(value, DataLoader):
            if isinstance(name, str) and VALIDATION.search(name):
                yield name, value
        elif depth and isinstance(value, dict):
            yield from _named(value, depth - 1)
        elif depth and name == "self":
            yield from _named(getattr(value, "__dict__", {}), depth - 1)
