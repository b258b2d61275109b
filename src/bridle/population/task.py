"""Work for one process: members that train one after another, or together in packs."""

from dataclasses import dataclass
from typing import final

from bridle.population.member import Member


@final
@dataclass(frozen=True, eq=False)
class Task:
    """Members that one process trains, and how.

    Args:
        members: The members.
        seconds: About how long that takes; 0 where nothing is known.
        size: The largest pack; 0 where each trains by itself.
        spare: Whether packs need a spare row for the same bits in any company.
        fills: Whether batches may be filled up with rows that weigh nothing.
    """

    members: tuple[Member, ...]
    seconds: float = 0.0
    size: int = 0
    spare: bool = False
    fills: bool = True
