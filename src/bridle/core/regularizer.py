"""What every regularizer is: a frozen record of its dials."""

import copy
import dataclasses
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from bridle.core.dials import FREE, PerLayer, Schedule, check_dial, dials, words
from bridle.core.scope import check_scope
from bridle.errors import RecipeError


@dataclass(frozen=True)
class Regularizer(ABC):  # noqa: B024 - each kind has its own essential method
    """Anything added to training to make the model generalise.

    Args:
        label: A name of the user's, to tell two of the same apart. By default the name in the catalogue.
        optional: Whether a search may leave it out.

    ``by_layer`` says whether a dial may be a mapping with a value for each layer, ``by_axis`` whether it tells neurons
    from inputs by the axes of a weight. ``trial`` gives values for settings that must be given and are no dials:
    the laws of :mod:`bridle.testing` are tried with them.
    """

    by_layer: ClassVar[bool] = False
    by_axis: ClassVar[bool] = False
    trial: ClassVar[Mapping[str, Any]] = {}

    label: str = dataclasses.field(default="", kw_only=True)
    optional: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Check every dial and setting at the door, so that the training step need not."""
        who = type(self).__name__
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for name, bounds in dials(type(self)).items():
            value = getattr(self, name)
            if value is not None or defaults[name] is not None:
                object.__setattr__(self, name, check_dial(f"{who}.{name}", bounds, value, layers=self.by_layer))
        for name, allowed in words(type(self)).items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"{who}.{name} must be one of {', '.join(allowed)}; got {getattr(self, name)!r}.")
        if "scope" in defaults:
            object.__setattr__(self, "scope", check_scope(f"{who}.scope", getattr(self, "scope")))  # noqa: B009
        if not isinstance(self.label, str) or not isinstance(self.optional, bool):
            raise RecipeError(
                f"{who} takes a text as label and true or false as optional; got {self.label!r} and {self.optional!r}."
            )

    @classmethod
    def name(cls) -> str:
        """The name in recipes, on the command line and in the catalogue: that of the source file."""
        return cls.__module__.rpartition(".")[2]

    @property
    def key(self) -> str:
        """The label, or the name where there is none: what keys its draws, its dials' addresses and its state."""
        return self.label or self.name()

    def free(self) -> dict[str, Any]:
        """The free dials by field name."""
        return {name: value for name in dials(type(self)) if isinstance(value := getattr(self, name), FREE)}

    @property
    def is_scheduled(self) -> bool:
        """Whether a dial follows a schedule, for all weights or for a layer."""
        values = [getattr(self, name) for name in dials(type(self))]
        return bool(self.moves) or any(isinstance(value, PerLayer) and value.moves for value in values)

    @property
    def moves(self) -> dict[str, Schedule]:
        """The dials that follow a schedule, by field name."""
        values = {name: getattr(self, name) for name in dials(type(self))}
        return {name: value for name, value in values.items() if isinstance(value, Schedule)}

    def at(self, progress: float) -> Self:
        """This regularizer with every schedule replaced by its value at the share ``progress`` of the training."""
        moves = self.moves
        return self.bind({name: schedule.at(progress) for name, schedule in moves.items()}) if moves else self

    def layered(self, weights: Sequence[str]) -> list[tuple[Self, list[str]]]:
        """This regularizer with one value per dial, for each part of ``weights`` that has the same values.

        Args:
            weights: The full names of the weights in its scope.

        Raises:
            RecipeError: If a dial names no value for one of them.
        """
        values = {name: getattr(self, name) for name in dials(type(self))}
        mixed = {name: value for name, value in values.items() if isinstance(value, PerLayer)}
        parts: dict[tuple[Any, ...], list[str]] = {}
        for weight in weights:
            chosen = tuple(value.of(weight) for value in mixed.values())
            for name, value in zip(mixed, chosen, strict=True):
                if value is None:
                    raise RecipeError(
                        f"{self.key}.{name} names no value for {weight}, which is in its scope; it names "
                        f'{", ".join(layer for layer, _ in mixed[name].values)}. Add "*" for all others.'
                    )
            parts.setdefault(chosen, []).append(weight)
        return [(self.bind(dict(zip(mixed, chosen, strict=True))), names) for chosen, names in parts.items()]

    def bind(self, values: Mapping[str, Any]) -> Self:
        """A shallow copy with dials replaced, unchecked (the values may be tensors)."""
        bound = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(bound, name, value)
        return bound
