"""What a source is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from bridle.data.dataset import Dataset
from bridle.data.options import Options
from bridle.records import Layout


def _no_test(_source: Any) -> Any:
    return None


@final
@dataclass(frozen=True, eq=False)
class Source:
    """One kind of thing that data can be read from.

    Args:
        name: What it is called in messages.
        accepts: Whether something the user gave is of this kind.
        read: The data set, laid out as the layout says where one is given.
        official_test: From what the user gave, the official test set that lies beside it, as a source of the same kind;
            ``None`` where there is none.
    """

    name: str
    accepts: Callable[[Any], bool]
    read: Callable[[Any, Options, Layout | None], Dataset]
    official_test: Callable[[Any], Any] = _no_test
