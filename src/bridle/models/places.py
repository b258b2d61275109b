"""The places of a network: its dropout modules become places, and every place learns its name."""

from torch import nn

from bridle.core import Place


def replace_dropout(model: nn.Module) -> nn.Module:
    """``model`` with every plain ``nn.Dropout`` replaced, in place, by a :class:`Place` of the same rate.

    Other dropout (``Dropout2d``, ``AlphaDropout``, a subclass, the dropout of an attention or recurrent module) does
    something else and stays as it is: :func:`other_dropout` names it. Calls of ``torch.nn.functional.dropout`` cannot
    be seen.

    Returns:
        The same module; a new :class:`Place` where ``model`` itself is an ``nn.Dropout``.
    """
    if type(model) is nn.Dropout:
        return _place(model)
    replaced: dict[nn.Module, Place] = {}
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if type(child) is nn.Dropout:
                setattr(parent, name, replaced.setdefault(child, _place(child)))
    return model


def _place(dropout: nn.Dropout) -> Place:
    return Place(rate=dropout.p).train(dropout.training)


def places(model: nn.Module) -> dict[str, Place]:
    """Every place by its dotted name, which is also written to its ``name``, in the model's order.

    A place that is registered under several names keeps the first.
    """
    found = {name: module for name, module in model.named_modules() if isinstance(module, Place)}
    for name, place in found.items():
        place.name = name
    return found


def other_dropout(model: nn.Module) -> dict[str, str]:
    """The class of every module that drops by itself, by dotted name: what Bridle neither controls nor counts."""
    return {name: type(module).__name__ for name, module in model.named_modules() if _drops(module)}


def _drops(module: nn.Module) -> bool:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    return isinstance(module, nn.MultiheadAttention | nn.RNNBase) and module.dropout > 0
