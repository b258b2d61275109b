"""Noise at the places of a model, from counted draws."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

from torch import Tensor, nn

from bridle.core import Draws, Noise, Recipe
from bridle.engine.scopes import named
from bridle.errors import ScopeError
from bridle.models.places import places
from bridle.regularizers.noise import Dropout

Uniform: TypeAlias = Callable[[str, Sequence[int], Tensor], Tensor]
"""Uniform numbers for the thing of that name, of that shape, on the device of that tensor."""


@final
class PlacedNoise:
    """A recipe's noise, bound to the places of one model.

    A place that no noise of the recipe covers keeps the dropout rate that the network declared there.

    Args:
        model: The model; its dropout modules have been replaced by places.
        recipe: The recipe.

    Raises:
        ScopeError: If a noise covers no place.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._uniform: Uniform = Draws(0, 0, 0).uniform
        self._calls: dict[str, int] = {}
        found = places(model)
        self._declared: dict[str, tuple[Noise, ...]] = {
            name: (Dropout(place.rate, label=f"dropout@{name}"),) if place.rate else () for name, place in found.items()
        }
        covered: dict[str, tuple[Noise, ...]] = {}
        for noise in recipe.of(Noise):
            for name in _covered(model, noise, list(found)):
                covered[name] = (*covered.get(name, ()), noise)
        self._declared |= covered
        self._noise = dict(self._declared)
        for name, place in found.items():
            place.perturb = self._perturb if self._declared[name] else None
        self._places = list(found.values())
        self._hooks = [
            model.get_submodule(name).register_forward_hook(self._hook(name)) for name in covered.keys() - found.keys()
        ]

    @property
    def acts(self) -> bool:
        """Whether there is noise at any place."""
        return any(self._declared.values())

    def _hook(self, name: str) -> Any:
        def perturb(module: nn.Module, _inputs: Any, output: Any) -> Any:
            if not isinstance(output, Tensor):
                raise ScopeError(
                    f"Noise acts on a tensor; module {name!r} ({type(module).__name__}) gives "
                    f"{type(output).__name__}. Put bridle.Place() behind it instead."
                )
            return self._perturb(output, name) if module.training else output

        return perturb

    def set(self, draws: Draws, progress: float) -> None:
        """Take the draws of one step, and every scheduled rate at the share ``progress`` of the training."""
        self._uniform, self._calls = draws.uniform, {}
        self._noise = {name: tuple(item.at(progress) for item in items) for name, items in self._declared.items()}

    def bind(self, uniform: Uniform, dials: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the uniform numbers from ``uniform``, and the dials of each noise by its key."""
        self._uniform, self._calls = uniform, {}
        self._noise = {
            name: tuple(item.bind(dials.get(item.key, {})) for item in items) for name, items in self._declared.items()
        }

    def remove(self) -> None:
        """Take the noise off the model: its places are identities again."""
        for place in self._places:
            place.perturb = None
        for hook in self._hooks:
            hook.remove()
        self._places, self._hooks = [], []

    def _perturb(self, x: Tensor, name: str) -> Tensor:
        call = self._calls[name] = self._calls.get(name, 0) + 1
        for noise in self._noise[name]:
            uniforms = self._uniform(f"{noise.key}:{name}:{call}", noise.shape(x.shape), x)
            x = noise.apply(x, uniforms)
        return x


def _covered(model: nn.Module, noise: Noise, found: list[str]) -> list[str]:
    scope = noise.scope
    if isinstance(scope, str):
        if scope != "all":
            raise ScopeError(
                f'{noise.key} acts on places, so its scope must be "all" or name them, for example '
                f'{{ names = "layers.0" }}; got {scope!r}.'
            )
        names = found
    else:
        names = named(model, scope, found)
    if not names:
        raise ScopeError(
            f"{noise.key} with scope {scope!r} finds no place in the network. Put bridle.Place() or nn.Dropout where "
            'it should act, or name modules, for example scope = { names = "layers.0" }.'
        )
    return names
