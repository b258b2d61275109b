"""From any factory of the user's to a network that is built repeatably and fits the data."""

import copy
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import nn

from bridle.core import draws
from bridle.errors import ModelError
from bridle.models.checks import check_output
from bridle.models.inputs import Inputs
from bridle.models.linear import LinearModel
from bridle.models.mlp import ResidualMLP
from bridle.models.named import load_named, told

Factory: TypeAlias = nn.Module | Callable[..., nn.Module]
"""A network to copy and re-initialise, or what makes one."""

_SIGNATURES = "make_net(), make_net(example, outputs) or make_net(inputs=...)"
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def build(factory: Factory, inputs: Inputs, seed: int, *, custom_loss: bool = False) -> nn.Module:
    """A network from ``factory``, checked to fit the data; the same seed gives the same weights.

    The global random state is left as it was.

    Args:
        factory: An instance, which is copied and re-initialised; or a callable, called as ``make_net()``, as
            ``make_net(example, outputs)`` (``example``: zeros of one example's shape) or with ``inputs`` by keyword,
            whichever its signature names.
        inputs: What the network is told about its inputs, and what it is checked against.
        seed: The member's seed.
        custom_loss: Whether the loss is the user's own, so that outputs need not be logits.

    Returns:
        The network in training mode.

    Raises:
        ModelError: If no network comes, it cannot be re-initialised, or its output does not fit.
    """
    with draws.seeded("model", seed):
        model = _reinitialised(factory) if isinstance(factory, nn.Module) else _called(factory, inputs)
        check_output(model, inputs, named(factory), custom_loss=custom_loss)
    return model.train()


def needs_codes(factory: Factory) -> bool:
    """Whether the network takes category codes; otherwise categories are one-hot encoded for it."""
    if isinstance(factory, nn.Module):
        return isinstance(factory, ResidualMLP | LinearModel)
    return "inputs" in _parameters(factory)


def load_factory(spec: str) -> Factory:
    """The factory that ``"package.module:name"`` names, imported as ``python -m`` would: the working directory counts.

    Raises:
        ModelError: If there is no such factory.
    """
    found: Factory = load_named(spec, "--model")
    return found


def named(factory: Factory) -> str:
    """What the user calls the factory, for messages."""
    return str(getattr(factory, "__name__", "")) or type(factory).__name__


def _called(factory: Callable[..., Any], inputs: Inputs) -> nn.Module:
    arguments, keywords = _arguments(factory, inputs)
    try:
        model = factory(*arguments, **keywords)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{named(factory)} failed while it built the network: {told(error)}") from error
    if not isinstance(model, nn.Module):
        raise ModelError(f"{named(factory)} must return a torch.nn.Module; got {type(model).__name__}.")
    return model


def _parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return {}


def _arguments(factory: Callable[..., Any], inputs: Inputs) -> tuple[list[Any], dict[str, Any]]:
    """How to call the factory: what it names, it gets; two arguments of other names are the example and the outputs."""
    parameters = _parameters(factory)
    offered = {"inputs": inputs, "example": torch.zeros(inputs.shape), "outputs": inputs.outputs}
    kinds = (*_POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
    required = [
        name
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind in kinds
    ]
    by_name = {
        name: offered[name] for name, parameter in parameters.items() if name in offered and parameter.kind in kinds[1:]
    }
    if set(required) <= set(by_name):
        return [], by_name
    if len(required) == 2 and all(parameters[name].kind in _POSITIONAL for name in required):
        return [offered["example"], offered["outputs"]], {}
    raise ModelError(
        f"{named(factory)} needs the arguments {', '.join(required)}; a factory is called as {_SIGNATURES}. "
        "Give the others a default, or pass a lambda."
    )


def _reinitialised(instance: nn.Module) -> nn.Module:
    """A copy with fresh weights: every submodule that can re-initialises itself, inner ones first."""
    model = copy.deepcopy(instance)
    for name, module in reversed(list(model.named_modules())):
        own = dict(module.named_parameters(recurse=False))
        where = f"{type(module).__name__} {name!r}" if name else type(module).__name__
        frozen = [key for key, weight in own.items() if not weight.requires_grad]
        if frozen:
            raise ModelError(
                f"The network given as an instance is re-initialised, but {where} has frozen weights {frozen}, which "
                f"would become random. Pass a factory instead: {_SIGNATURES}."
            )
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if callable(reset):
            reset()
        elif own:
            raise ModelError(
                f"The network given as an instance cannot be re-initialised: {where} has the parameters {sorted(own)} "
                f"and no method reset_parameters. Pass a factory instead: {_SIGNATURES}."
            )
    return model
