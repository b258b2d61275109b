"""A recipe: the regularizers of one training with its training settings. With free dials it is a space of recipes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, final

from bridle.core.conventions.convention import QUANTITIES
from bridle.core.conventions.explain import explain
from bridle.core.dials import Choice
from bridle.core.regularizer import Regularizer
from bridle.core.training import Training
from bridle.errors import RecipeError

K = TypeVar("K", bound=Regularizer)


@final
@dataclass(frozen=True, init=False)
class Recipe:
    """The regularizers of one training, with its training settings.

    Args:
        regularizers: Any number of regularizers, in the order in which those of one kind act. Two of the same name
            need labels.
        training: The training settings.

    Raises:
        RecipeError: If two regularizers have the same label or name, or something is no regularizer.
    """

    regularizers: tuple[Regularizer, ...]
    training: Training

    def __init__(self, *regularizers: Regularizer, training: Training | None = None) -> None:
        keys: set[str] = {"training"}
        for regularizer in regularizers:
            if not isinstance(regularizer, Regularizer):
                raise RecipeError(f"Recipe(...) takes regularizers such as bridle.L2(3e-4); got {regularizer!r}.")
            if regularizer.key in keys:
                raise RecipeError(
                    f'Recipe(...) has two regularizers called {regularizer.key!r}. Tell them apart with label="...".'
                )
            keys.add(regularizer.key)
        object.__setattr__(self, "regularizers", tuple(regularizers))
        object.__setattr__(self, "training", training or Training())

    def of(self, kind: type[K]) -> tuple[K, ...]:
        """The regularizers of one kind, in order."""
        return tuple(item for item in self.regularizers if isinstance(item, kind))

    def replace(self, *, training: Training | None = None, without: type[Regularizer] | None = None) -> "Recipe":
        """This recipe with other training settings, or without the regularizers of a kind."""
        kept = [item for item in self.regularizers if without is None or not isinstance(item, without)]
        return Recipe(*kept, training=training or self.training)

    def free(self) -> dict[str, Any]:
        """The free dials by address, such as ``"l2.strength"``; a regularizer that may be left out is ``"l2.active"``.

        The order is that of the recipe: the training settings first.
        """
        found: dict[str, Any] = {f"training.{name}": value for name, value in self.training.free().items()}
        for item in self.regularizers:
            if item.optional:
                found[f"{item.key}.active"] = Choice((True, False))
            found |= {f"{item.key}.{name}": value for name, value in item.free().items()}
        return found

    @property
    def is_space(self) -> bool:
        """Whether anything is free in it."""
        return bool(self.free())

    def settle(self, values: Mapping[str, Any]) -> "Recipe":
        """The recipe with free dials replaced by ``values``, by address; a regularizer that is not active is left out.

        Raises:
            RecipeError: If an address is not free here, or one stays free.
        """
        unknown = sorted(set(values) - set(self.free()))
        if unknown:
            raise RecipeError(
                f"{', '.join(unknown)} is not free in this recipe; free are {', '.join(self.free()) or 'none'}."
            )
        kept = []
        for item in self.regularizers:
            if values.get(f"{item.key}.active", True):
                chosen = {name: values[f"{item.key}.{name}"] for name in item.free() if f"{item.key}.{name}" in values}
                kept.append(dataclasses.replace(item, **chosen, optional=False))
        chosen = {name: values[f"training.{name}"] for name in self.training.free() if f"training.{name}" in values}
        settled = Recipe(*kept, training=self.training.replace(**chosen))
        if settled.is_space:
            raise RecipeError(f"{', '.join(settled.free())} stayed free; give each a value.")
        return settled

    def explain(
        self, *, examples: int | None = None, target_std: float | None = None, noise_std: float | None = None
    ) -> str:
        """The strengths of this recipe as every other convention states them, with the reason where none can.

        Momentum, batch size and learning rate are the recipe's own; the ends of a free or scheduled strength are
        stated one by one.

        Args:
            examples: Examples in the training set, for the conventions that count them.
            target_std: Standard deviation of the target as the other library is given it, for glmnet.
            noise_std: Standard deviation of the observation noise, for a Gaussian likelihood.

        Raises:
            DialError: If a number is out of its bounds.
        """
        given = {"examples": examples, "target_std": target_std, "noise_std": noise_std}
        checked = {
            name: QUANTITIES[name].bounds.check(name, value) for name, value in given.items() if value is not None
        }
        return explain(self.regularizers, self.training, checked)

    @property
    def active(self) -> tuple[str, ...]:
        """The keys of the regularizers in it."""
        return tuple(item.key for item in self.regularizers)
