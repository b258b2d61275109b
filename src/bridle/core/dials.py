"""Dials: the numbers of a regularizer that can be turned, their bounds, and what may stand in their place.

A dial is declared once, in the type of a field::

    strength: Annotated[float, Range(0.0, search=(1e-6, 1e-2), log=True)]

Bounds, search scale, help text and the reference page derive from it. In place of a number a dial takes a free range
(:func:`between`, :func:`choice`), which makes a recipe a space, or a :func:`schedule` over the training; where a
regularizer acts on weights, also a mapping with a value for each layer.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from numbers import Real
from types import MappingProxyType
from typing import Annotated, Any, Literal, final, get_args, get_origin, get_type_hints

from bridle.errors import DialError


@final
@dataclass(frozen=True)
class Range:
    """The bounds of a dial and how a search turns it.

    Args:
        low: Smallest allowed value.
        high: Largest allowed value.
        open_low: Whether ``low`` itself is refused.
        open_high: Whether ``high`` itself is refused (infinity always is).
        integer: Whether only whole numbers are allowed.
        search: The range that a search covers by default, or ``None`` where the user must say.
        log: Whether a search covers it on a logarithmic scale.
        unit: What the number counts, for the help text.
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    integer: bool = False
    search: tuple[float, float] | None = None
    log: bool = False
    unit: str = ""

    def __str__(self) -> str:
        """The interval as mathematics writes it."""
        left = "(" if self.open_low or self.low == -math.inf else "["
        right = ")" if self.open_high or self.high == math.inf else "]"
        low = "-inf" if self.low == -math.inf else f"{self.low:g}"
        high = "inf" if self.high == math.inf else f"{self.high:g}"
        return f"{left}{low}, {high}{right}"

    def check(self, name: str, value: Any) -> float | int:
        """``value`` as a number within the bounds.

        Raises:
            DialError: If it is not a number, not whole where only whole numbers are allowed, or out of bounds.
        """
        if isinstance(value, bool) or not isinstance(value, Real):
            raise DialError(f"{name} must be a number in {self}; got {value!r} ({type(value).__name__}).")
        number = float(value)
        below = number <= self.low if self.open_low else number < self.low
        above = number >= self.high if self.open_high else number > self.high
        if not math.isfinite(number) or below or above:
            raise DialError(f"{name} must lie in {self}; got {number:g}.")
        if self.integer and number != int(number):
            raise DialError(f"{name} must be a whole number in {self}; got {number:g}.")
        return int(number) if self.integer else number


@final
@dataclass(frozen=True)
class Between:
    """A free dial: any value between two ends."""

    low: float
    high: float
    log: bool = False


@final
@dataclass(frozen=True)
class Choice:
    """A free dial: one of the given values."""

    values: tuple[Any, ...]


@final
@dataclass(frozen=True)
class Schedule:
    """A dial that moves from ``start`` to ``end`` over the first ``until`` of the training and stays there.

    Args:
        start: The value at the start.
        end: The value from ``until`` on.
        until: The share of the training, in (0, 1], at which ``end`` is reached.
        shape: ``"linear"``, ``"cosine"`` (slow at both ends) or ``"exponential"`` (linear in the logarithm).
    """

    start: float
    end: float
    until: float = 1.0
    shape: Literal["linear", "cosine", "exponential"] = "linear"

    def at(self, progress: float) -> float:
        """The value when the share ``progress`` (in [0, 1]) of the training is done."""
        share = min(progress / self.until, 1.0)
        if self.shape == "exponential":
            return math.exp(math.log(self.start) + share * (math.log(self.end) - math.log(self.start)))
        if self.shape == "cosine":
            share = (1.0 - math.cos(math.pi * share)) / 2.0
        return self.start + share * (self.end - self.start)


@final
@dataclass(frozen=True)
class PerLayer:
    """A dial with a value of its own for each layer.

    Args:
        values: Pairs of a layer and its value, a number or a schedule. A layer is named as in the model
            (``"layers.0"`` is all within it), or by a pattern such as ``"layers.*"``; the first that fits counts.
    """

    values: tuple[tuple[str, float | Schedule], ...]

    def of(self, weight: str) -> float | Schedule | None:
        """The value for the weight of that full name; ``None`` where no layer fits."""
        fits = (value for layer, value in self.values if fnmatchcase(weight, layer) or _within(weight, layer))
        return next(fits, None)

    @property
    def moves(self) -> bool:
        """Whether a layer's value follows a schedule."""
        return any(isinstance(value, Schedule) for _, value in self.values)


def _within(weight: str, layer: str) -> bool:
    return fnmatchcase(weight, f"{layer}.*")


FREE = (Between, Choice)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def between(low: float, high: float, *, log: bool | None = None) -> Any:
    """A free dial between ``low`` and ``high``: the search chooses.

    Args:
        low: Lower end, allowed itself.
        high: Upper end, allowed itself.
        log: Whether to cover it on a logarithmic scale. By default so where the two ends are positive and a factor of
            100 or more apart.

    Raises:
        DialError: If the ends are not finite numbers in ascending order, or not positive on a logarithmic scale.
    """
    if not (_is_number(low) and _is_number(high) and low < high):
        raise DialError(f"between(low, high) needs two finite numbers, low < high; got {low!r} and {high!r}.")
    logarithmic = (low > 0 and high / low >= 100) if log is None else log
    if logarithmic and low <= 0:
        raise DialError(
            f"between(low, high, log=True) needs low > 0; got {low!r}. Use choice(0, ...) to allow zero too."
        )
    return Between(low, high, logarithmic)


def choice(*values: Any) -> Any:
    """A free dial with a few allowed values: the search chooses one.

    Raises:
        DialError: If there are fewer than two values, or one stands there twice.
    """
    if any(value in values[:place] for place, value in enumerate(values)) or len(values) < 2:
        raise DialError(
            f"choice(...) needs two or more different values; got {list(values)!r}. For one, write the value itself."
        )
    return Choice(tuple(values))


def schedule(
    start: float, end: float, *, until: float = 1.0, shape: Literal["linear", "cosine", "exponential"] = "linear"
) -> Any:
    """A dial that moves from ``start`` to ``end`` during training.

    Args:
        start: The value at the start.
        end: The value from ``until`` on.
        until: The share of the training, in (0, 1], at which ``end`` is reached.
        shape: ``"linear"``, ``"cosine"`` or ``"exponential"``.

    Raises:
        DialError: If an end, ``until`` or ``shape`` is not allowed, or an exponential schedule does not stay positive.
    """
    if not (_is_number(start) and _is_number(end)):
        raise DialError(f"schedule(start, end) needs two finite numbers; got {start!r} and {end!r}.")
    if not (_is_number(until) and 0 < until <= 1):
        raise DialError(f"schedule(until=...) must lie in (0, 1], a share of the training; got {until!r}.")
    if shape not in ("linear", "cosine", "exponential"):
        raise DialError(f"schedule(shape=...) must be 'linear', 'cosine' or 'exponential'; got {shape!r}.")
    if shape == "exponential" and min(start, end) <= 0:
        raise DialError(f"schedule(shape='exponential') needs positive ends; got {start!r} and {end!r}.")
    return Schedule(float(start), float(end), float(until), shape)


def dials(cls: type) -> Mapping[str, Range]:
    """The dials that a record class declares, by field name in order of declaration."""
    return _declared(cls)


@cache
def _declared(cls: Any) -> Mapping[str, Range]:
    found: dict[str, Range] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        for part in (hint, *get_args(hint)) if get_origin(hint) is not Annotated else (hint,):
            if get_origin(part) is Annotated:
                found.update((name, extra) for extra in get_args(part)[1:] if isinstance(extra, Range))
    return MappingProxyType({field.name: found[field.name] for field in dataclasses.fields(cls) if field.name in found})


def words(cls: type) -> dict[str, tuple[str, ...]]:
    """The settings of a record class that take one of a few words, by field name, with the words allowed."""
    hints = get_type_hints(cls)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}


def check_dial(name: str, bounds: Range, value: Any, *, layers: bool = False) -> Any:
    """``value`` checked against ``bounds``, whatever stands in the dial's place.

    Args:
        name: The dial, for errors.
        bounds: Its bounds.
        value: A number, a free range, a schedule, or a mapping from layers to numbers or schedules.
        layers: Whether it may be a mapping.

    Raises:
        DialError: If a number, or an end of a range or schedule, is out of bounds.
    """
    match value:
        case Between(low, high, log):
            return Between(bounds.check(name, low), bounds.check(name, high), log)
        case Choice(values):
            return Choice(tuple(bounds.check(name, item) for item in values))
        case Schedule(start, end, until, shape):
            if bounds.integer:
                raise DialError(f"{name} is a whole number and cannot follow a schedule; got {value!r}.")
            return Schedule(bounds.check(name, start), bounds.check(name, end), until, shape)
        case PerLayer(values):
            return check_dial(name, bounds, dict(values), layers=layers)
        case Mapping() if layers and value:
            return PerLayer(tuple((str(layer), _per_layer(name, bounds, layer, item)) for layer, item in value.items()))
        case _:
            return bounds.check(name, value)


def _per_layer(name: str, bounds: Range, layer: Any, value: Any) -> Any:
    if isinstance(value, (*FREE, Mapping, PerLayer)):
        raise DialError(f"{name}[{layer!r}] must be a number in {bounds} or a schedule; got {value!r}.")
    return check_dial(f"{name}[{layer!r}]", bounds, value)
