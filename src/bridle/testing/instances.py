"""Instances of a regularizer to test, derived from the declarations of its dials."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, TypeVar

from bridle.core import Range, Regularizer, dials
from bridle.core.dials import words
from bridle.errors import BridleError
from bridle.testing.law import BrokenLaw

R = TypeVar("R", bound=Regularizer)


def instances(cls: type[R]) -> list[R]:
    """Instances that cover the dials' search ranges: low, middle, high, the defaults, and every word of every setting.

    A dial whose default is ``None`` stands in for others: each such dial gets instances of its own.

    Raises:
        BrokenLaw: If a required dial has no search range, or a required setting is no dial.
    """
    given = {*dials(cls), *cls.trial}
    missing = [field.name for field in dataclasses.fields(cls) if _is_required(field) and field.name not in given]
    if missing:
        raise BrokenLaw(
            f"{cls.__name__} needs values for {', '.join(missing)}, which no search range gives. "
            "Give them defaults or a trial, or check instances of your own."
        )
    found: list[R] = []
    for values in _settings(cls):
        try:
            instance = cls(**{**cls.trial, **values})
        except BridleError:
            continue  # one of the alternatives must be given, and here none or the wrong one is
        if instance not in found:
            found.append(instance)
    if not found:
        raise BrokenLaw(f"{cls.__name__} takes no combination of values from its dials' search ranges.")
    return found


def levels(bounds: Range, name: str = "a dial") -> tuple[float, float, float]:
    """The low end, the middle (on the search's scale) and the high end of a dial's search range.

    Raises:
        BrokenLaw: If the dial has none.
    """
    if bounds.search is None:
        raise BrokenLaw(f"{name} declares no search range: write Range(..., search=(low, high)).")
    low, high = bounds.search
    middle = math.sqrt(low * high) if bounds.log else (low + high) / 2
    if bounds.integer:
        return round(low), round(middle), round(high)
    return low, middle, high


def _settings(cls: type[Regularizer]) -> Iterator[dict[str, Any]]:
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    scale = {name: levels(bounds, f"{cls.__name__}.{name}") for name, bounds in dials(cls).items()}
    alternatives = [name for name in scale if defaults[name] is None]
    for chosen in [(), *((name,) for name in alternatives)]:
        turned = {name: values for name, values in scale.items() if name not in alternatives or name in chosen}
        given = {name for name in turned if defaults[name] is dataclasses.MISSING or name in chosen}
        middles = {name: values[1] for name, values in turned.items() if name in given}
        yield middles
        for level in range(3):
            yield {name: values[level] for name, values in turned.items()}
        for setting, allowed in words(cls).items():
            yield from ({**middles, setting: word} for word in allowed)


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
