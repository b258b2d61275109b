"""A user's dropout modules replaced by places for a while."""

from typing import final

from torch import nn

from bridle.core import Place
from bridle.models.places import replace_dropout


@final
class CountedDropout:
    """The plain ``nn.Dropout`` modules of a model, replaced in place by places of the same rate until :meth:`restore`.

    Args:
        model: The model; an ``nn.Dropout`` that is the model itself stays as it is.
    """

    def __init__(self, model: nn.Module) -> None:
        self._found = [
            (parent, name, child)
            for parent in model.modules()
            for name, child in parent._modules.items()
            if type(child) is nn.Dropout
        ]
        replace_dropout(model)

    def restore(self) -> None:
        """Put the user's modules back, in the mode that their places are in now."""
        for parent, name, child in self._found:
            place = parent._modules[name]
            if isinstance(place, Place):  # else the user has put something else there meanwhile
                child.train(place.training)
                setattr(parent, name, child)
        self._found = []
