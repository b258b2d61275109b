"""Loss terms on a network: what they need of a forward pass is captured by hooks, in training mode only."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from bridle.core import Draws, Forward, LossTerm, Place, Recipe
from bridle.engine.losses import weighted_mean, wide
from bridle.engine.scopes import named
from bridle.errors import ModelError, RecipeError, ScopeError
from bridle.models.places import places


@dataclass(eq=False)
class _Captured:
    """What one forward pass showed so far."""

    inputs: Tensor
    output: Tensor | None = None
    activations: dict[str, list[tuple[Tensor, int]]] = field(default_factory=dict)


@final
class Terms:
    """A recipe's loss terms, bound to one model.

    Hooks capture a forward pass of the model in training mode with gradients on: its first floating-point tensor
    argument (which is made to require a gradient where a term needs that), its output, and activations at the terms'
    scopes before any noise acts there. A second forward pass replaces the first; :meth:`value` forgets both.

    Args:
        model: The model.
        recipe: The recipe; nothing free in it.

    Raises:
        ScopeError: If the scope of a term matches no module.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._terms = recipe.of(LossTerm)
        self._captured: _Captured | None = None
        self._checked = False
        self._needs_gradient = any(term.needs_input_gradient for term in self._terms)
        self.scopes = {term.key: _covered(model, term) for term in self._terms if term.needs_activations}
        self._parts = [part for term in self._terms for part in term.layered(self.scopes.get(term.key, [""]))]
        self._hooks: list[Any] = []
        if self._terms:
            for name in dict.fromkeys(name for names in self.scopes.values() for name in names):
                self._watch(model.get_submodule(name), name)
            self._hooks.append(model.register_forward_pre_hook(self._begin, with_kwargs=True))
            self._hooks.append(model.register_forward_hook(self._end))

    def _watch(self, module: nn.Module, name: str) -> None:
        """Capture what reaches a place, or what another module gives before any other hook changes it."""

        def arrives(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            self._keep(name, inputs[0])

        def leaves(_: nn.Module, __: Any, output: Any) -> None:
            self._keep(name, output)

        if isinstance(module, Place):
            self._hooks.append(module.register_forward_pre_hook(arrives, prepend=True))
        else:
            self._hooks.append(module.register_forward_hook(leaves, prepend=True))

    def _begin(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._captured = None
        if not model.training or not torch.is_grad_enabled():
            return None
        given = _first((*args, *kwargs.values()))
        if given is None:
            self._captured = _Captured(torch.empty(0))
            return None
        inputs = given.detach().requires_grad_() if self._needs_gradient and not given.requires_grad else given
        self._captured = _Captured(inputs)
        swapped = {name: inputs if value is given else value for name, value in kwargs.items()}
        return tuple(inputs if value is given else value for value in args), swapped

    def _keep(self, name: str, activation: Any) -> None:
        if self._captured is not None and self._captured.output is None:
            if not isinstance(activation, Tensor):
                raise ScopeError(
                    f"A loss term looks at a tensor; module {name!r} gives {type(activation).__name__}. "
                    "Let its scope name a module that gives one tensor."
                )
            self._captured.activations.setdefault(name, []).append((activation, activation._version))

    def _end(self, _: nn.Module, __: Any, output: Any) -> None:
        if self._captured is not None:
            values = output.values() if isinstance(output, dict) else output
            self._captured.output = _first([output] if isinstance(output, Tensor) else values)

    def value(self, draws: Draws, progress: float, weights: Tensor | None = None) -> Tensor:
        """The sum of all terms at the last forward pass, a differentiable scalar; zero where the recipe has none.

        Args:
            draws: The draws of this step.
            progress: The share of the training that is done, for schedules.
            weights: ``(B,)`` the examples' weights in the data loss; by default all alike.

        Raises:
            ModelError: If there was no forward pass in training mode since the last call, or it does not show what a
                term needs.
            RecipeError: If a term cannot act on what the network shows.
        """
        if not self._terms:
            return torch.zeros(())
        captured, self._captured = self._captured, None
        if captured is None or captured.output is None:
            raise ModelError(
                f"The loss terms ({', '.join(term.key for term in self._terms)}) have seen no forward pass in training "
                "mode that gave a tensor. Call the model once, in training mode, before each use of their value."
            )
        seen = [self._seen(term, names, captured, wide(captured.output)) for term, names in self._parts]
        if not self._checked:
            self._check(seen)
        means = []
        for (term, _), forward in zip(self._parts, seen, strict=True):
            losses = term.at(progress).per_example(forward, draws)
            means.append(losses.mean() if weights is None else weighted_mean(losses, weights))
        return sum(means[1:], start=means[0])

    def _seen(self, term: LossTerm, names: list[str], captured: _Captured, output: Tensor) -> Forward:
        activations = []
        for name in names:
            for activation, version in captured.activations.get(name, ()):
                if activation._version != version:
                    raise ModelError(
                        f"{term.key} looks at the activations of {name!r}, which what follows changed in place. Let "
                        "its scope name the module that changes them, or give that one inplace=False."
                    )
                activations.append(wide(activation))
        if term.needs_activations and not activations:
            raise ModelError(
                f"{term.key} looks at {', '.join(names)}, of which no module took part in the forward "
                "pass. Let its scope name modules that are called."
            )
        return Forward(captured.inputs, output, tuple(activations))

    def _check(self, seen: list[Forward]) -> None:
        """Refuse at the first forward pass what cannot be seen before it."""
        for (term, _), forward in zip(self._parts, seen, strict=True):
            rows = forward.output.shape[:1]
            for activation in forward.activations:
                if activation.shape[:1] != rows:
                    raise ModelError(
                        f"{term.key} takes activations whose first dimension is that of the output, "
                        f"{tuple(rows)}; got shape {tuple(activation.shape)}. Let its scope name other modules."
                    )
            if reason := term.refuses(forward):
                raise RecipeError(f"{term.key} {reason}.")
        self._checked = True

    def remove(self) -> None:
        """Take the hooks off the model, and forget what they captured."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._captured = [], None


def _first(values: Iterable[Any]) -> Tensor | None:
    """The first floating-point tensor."""
    return next((value for value in values if isinstance(value, Tensor) and value.is_floating_point()), None)


def _covered(model: nn.Module, term: LossTerm) -> list[str]:
    scope, found = term.scope, list(places(model))
    if isinstance(scope, str) and scope != "all":
        raise ScopeError(
            f'{term.key} looks at activations, so its scope must be "all" (the places) or name modules, for example '
            f'{{ names = "layers.0" }}; got {scope!r}.'
        )
    names = found if isinstance(scope, str) else named(model, scope, found)
    if not names:
        raise ScopeError(
            f"{term.key} with scope {scope!r} finds no activation in the network. Name modules whose output it should "
            'look at, for example scope = { names = "layers.0" }, or put bridle.Place() there.'
        )
    return names
