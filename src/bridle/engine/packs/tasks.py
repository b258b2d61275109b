"""Which members of a pack a regularizer acts on, and with which dials: one call for all of them."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar, final

from torch import Tensor

from bridle.core import Regularizer, dials
from bridle.population.optimize import runs
from bridle.population.rows import Rows, for_each

R = TypeVar("R", bound=Regularizer)


@final
class Task(Generic[R]):
    """One regularizer of several members, which differ in its dials only.

    Args:
        rows: Their rows.
        items: The regularizer of each, perhaps with schedules.
        of: How many rows the stacks have.
    """

    def __init__(self, rows: Sequence[int], items: Sequence[R], of: int) -> None:
        self.rows, self.items = Rows(rows, of), list(items)
        self.numbers = list(rows)
        self._moves = any(item.moves for item in items)
        self._dials: dict[str, Tensor] = {}
        self._runs: list[tuple[slice, R]] = []

    @property
    def first(self) -> R:
        """The regularizer of the first member."""
        return self.items[0]

    def dials(self, progress: Sequence[float], like: Tensor) -> dict[str, Tensor]:
        """The dials at each row's share of its training, stacked."""
        if self._moves or not self._dials:
            now = [item.at(progress[row]) for item, row in zip(self.items, self.numbers, strict=True)]
            self._dials = {
                name: self.rows.stacked([getattr(item, name) for item in now], like)
                for name in dials(type(now[0]))
                if getattr(now[0], name) is not None
            }
        return self._dials

    def runs(self, progress: Sequence[float]) -> list[tuple[slice, R]]:
        """Rows side by side whose regularizers are equal at their share of the training, each with that one."""
        if self._moves or not self._runs:
            now = [
                (item.at(progress[row]), row - place)
                for place, (item, row) in enumerate(zip(self.items, self.numbers, strict=True))
            ]
            self._runs = [
                (slice(self.numbers[start], self.numbers[end - 1] + 1), item) for start, end, (item, _) in runs(now)
            ]
        return self._runs

    def call(self, function: Callable[..., Any], progress: Sequence[float], like: Tensor, *stacks: Any) -> Any:
        """``function(regularizer, *tensors)`` of one member, for all of them; ``stacks`` hold their rows already."""
        return for_each(
            lambda values, *own: function(self.first.bind(values), *own), self.dials(progress, like), *stacks
        )


def tasks(items: Iterable[tuple[int, Hashable, R]], of: int) -> list[tuple[Hashable, Task[R]]]:
    """Tasks from (row, what must be equal, regularizer), in the order in which they first come."""
    found: dict[tuple[Hashable, str], tuple[list[int], list[R]]] = {}
    for row, key, item in items:
        rows, alike = found.setdefault((key, statics(item)), ([], []))
        rows.append(row)
        alike.append(item)
    return [(key[0], Task(rows, alike, of)) for key, (rows, alike) in found.items()]


def statics(item: Regularizer) -> str:
    """All of a regularizer but the values of its dials: what members of one task have in common."""
    given = {name: 0 for name in dials(type(item)) if getattr(item, name) is not None}
    return repr(item.bind(given | {"optional": False}))
