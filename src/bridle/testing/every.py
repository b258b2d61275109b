"""Laws of every regularizer: what it declares, and its way to a recipe file and back."""

import dataclasses
import inspect
import math
import re
from typing import Any

import torch

from bridle.core import Recipe, Regularizer, between, choice, dials, schedule, toml
from bridle.core.dials import Range
from bridle.errors import BridleError, DialError
from bridle.testing.instances import levels
from bridle.testing.law import BrokenLaw, require


def is_a_frozen_final_record(regularizer: Regularizer, _: torch.device) -> None:
    """A regularizer is a frozen dataclass that nothing derives from."""
    cls = type(regularizer)
    require(getattr(cls, "__final__", False), f"decorate {cls.__name__} with typing.final")
    parameters = getattr(cls, "__dataclass_params__", None)
    require("__dataclass_fields__" in vars(cls), f"decorate {cls.__name__} with dataclass(frozen=True)")
    require(parameters is not None and parameters.frozen, f"{cls.__name__} must be a frozen dataclass")


def is_described(regularizer: Regularizer, _: torch.device) -> None:
    """The docstring begins with the effect in a line, explains every setting and names a reference."""
    cls = type(regularizer)
    text = inspect.getdoc(cls) or ""
    require(text.partition("\n")[0].strip(), f"{cls.__name__} needs a docstring whose first line is the effect")
    for field in dataclasses.fields(cls):
        if field.name in cls.__annotations__:
            found = re.search(rf"^\s*{field.name}: \S", text, re.MULTILINE)
            require(found, f"the docstring of {cls.__name__} does not explain {field.name!r}")
    require("Reference:" in text, f"the docstring of {cls.__name__} names no reference")


def dials_are_searchable(regularizer: Regularizer, _: torch.device) -> None:
    """Every dial has a search range inside its bounds, positive where the scale is logarithmic."""
    for name, bounds in dials(type(regularizer)).items():
        low, high = levels(bounds, name)[::2]
        require(low < high, f"the search range of {name} must ascend; got {bounds.search}")
        require(low > 0 or not bounds.log, f"the search range of {name} is logarithmic and must be positive")
        for end in (low, high):
            bounds.check(name, end)


def refuses_what_is_out_of_bounds(regularizer: Regularizer, _: torch.device) -> None:
    """A dial out of bounds, not finite or no number is refused, by name."""
    for name, bounds in dials(type(regularizer)).items():
        for value in _outside(bounds):
            try:
                dataclasses.replace(regularizer, **{name: value})
            except DialError as error:
                require(
                    f"{type(regularizer).__name__}.{name}" in str(error), f"the error does not name {name}: {error}"
                )
            else:
                raise BrokenLaw(f"{name} = {value!r} is accepted, though it must lie in {bounds}")


def _outside(bounds: Range) -> list[Any]:
    low = [bounds.low if bounds.open_low else bounds.low - 1] if math.isfinite(bounds.low) else []
    high = [bounds.high if bounds.open_high else bounds.high + 1] if math.isfinite(bounds.high) else []
    return [*low, *high, math.nan, math.inf, -math.inf, True, "much"]


def survives_a_recipe_file(regularizer: Regularizer, _: torch.device) -> None:
    """The record, written to TOML and read again, is the same; so are spaces and schedules of it."""
    cls = type(regularizer)
    variants = [regularizer, dataclasses.replace(regularizer, label="mine", optional=True)]
    for name, bounds in dials(cls).items():
        low, high = levels(bounds, name)[::2]
        if getattr(regularizer, name) is not None:
            free = [between(low, high, log=bounds.log), choice(low, high)]
            free += [] if bounds.integer else [schedule(low, high, until=0.5, shape="cosine")]
            variants += [dataclasses.replace(regularizer, **{name: value}) for value in free]
    for variant in variants:
        recipe = Recipe(variant)
        text = toml.dumps(recipe)
        try:
            again = toml.loads(text, {cls.name(): cls})
        except BridleError as error:
            raise BrokenLaw(f"its recipe cannot be read again: {error}\n{text}") from error
        require(again == recipe, f"its recipe reads as {again.regularizers[0]!r}, not {variant!r}")


LAWS = (
    is_a_frozen_final_record,
    is_described,
    dials_are_searchable,
    refuses_what_is_out_of_bounds,
    survives_a_recipe_file,
)
